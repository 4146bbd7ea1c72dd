//! How a question is answered: which counters a group has, and which of them an order raises.

use super::definitions::{
    Cohort, Defect, ExclusionReason, KpiId, NEVER, Outcome, acknowledgement, delivery, shipping,
    tracking_upload, tracking_upload_in_time, valid_tracking,
};
use super::facts::{At, INSTANTS, PackedRow, flags};
use super::query::KpiQuery;
use super::ticks::{Clock, Column, Tick};

/// Orders are looked at in chunks of this many, so that what is computed of them stays near.
pub(super) const CHUNK: usize = 1024;

static PLAIN_FLAGS: [u16; CHUNK] = [flags::NUMBERS_VALID; CHUNK];

/// Counters that every cohort has: those that may count, and the three reasons never to.
pub(super) const COMMON_SLOTS: usize = 4;
const COMMON: [ExclusionReason; 3] =
    [ExclusionReason::Test, ExclusionReason::PlatformFulfilled, ExclusionReason::NeverPaid];

/// A figure of a cohort.
#[derive(Debug, Clone)]
pub(super) struct Measure {
    pub(super) id: KpiId,
    /// Weight of its code in the code of the row.
    stride: u16,
    /// The counter of each outcome but [`Outcome::Miss`], which is what is left.
    pub(super) slots: Vec<(Outcome, usize)>,
    /// Codes by question bits, already weighted.
    table: Vec<u16>,
    /// Whether the table of another figure, whose questions say it all, holds its codes as well.
    rides: bool,
}

impl Measure {
    /// Adds the codes that the table gives for the questions. Asked first and looked up then, the
    /// questions of several rows are answered at a time.
    #[inline(always)]
    fn answer<const N: usize>(&self, questions: &[u16], codes: &mut [u16]) {
        let Ok(table) = <&[u16; N]>::try_from(self.table.as_slice()) else { return };
        for (code, bits) in codes.iter_mut().zip(questions) {
            *code += table.get(usize::from(*bits) % N).copied().unwrap_or(0);
        }
    }

    /// Adds the code of a figure that follows from whether and by whom an order was cancelled.
    fn ride(&mut self, rider: &Self) {
        for (bits, code) in (0..).zip(&mut self.table) {
            if let Some(by) = shipping::cancelled_by(bits) {
                let hit = rider.id == KpiId::Cancellation || by.is_seller_fault();
                *code += if hit { rider.stride } else { 0 };
            }
        }
    }
}

/// What holds for every row of a chunk, so that it need not be asked of each.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Common {
    /// Every order is paid.
    paid: bool,
    /// None is a test or shipped by the platform.
    plain: bool,
}

/// A cohort: what its groups count and what a row adds to them.
#[derive(Debug, Clone)]
pub(super) struct CohortPlan {
    pub(super) cohort: Cohort,
    pub(super) measures: Vec<Measure>,
    /// Counters of a group, rounded up to a multiple of four.
    pub(super) width: usize,
    /// For each code of a row, what it adds to the counters: `width` numbers a code.
    pub(super) deltas: Vec<u32>,
    /// Number of codes of rows that may count.
    codes: u16,
    /// Whether durations are summed.
    pub(super) sums: bool,
    /// For each code all bits where its rows have a duration that counts, else none.
    pub(super) durations: Vec<i64>,
    as_of: i64,
    overdue: i64,
    shipped: At,
    defects: super::DefectSet,
}

impl CohortPlan {
    /// The cohorts that a question needs.
    pub(super) fn of(query: &KpiQuery) -> Vec<Self> {
        Cohort::ALL.into_iter().filter_map(|cohort| Self::new(query, cohort)).collect()
    }

    fn new(query: &KpiQuery, cohort: Cohort) -> Option<Self> {
        // KPI-09 is the rest of KPI-01: they share their counters.
        let mut ids: Vec<KpiId> = query
            .kpis
            .iter()
            .filter(|id| id.cohort() == Some(cohort))
            .map(|id| if id == KpiId::LateShipping { KpiId::OnTimeShipping } else { id })
            .collect();
        ids.dedup();
        if ids.is_empty() {
            return None;
        }
        let (mut slot, mut codes) = (COMMON_SLOTS, 1_u16);
        let mut measures = Vec::new();
        for id in ids {
            let stride = codes;
            let outcomes = id.outcomes();
            codes = codes.saturating_mul(u16::try_from(outcomes.len()).unwrap_or(u16::MAX));
            let mut slots = Vec::new();
            for outcome in outcomes.iter().filter(|outcome| **outcome != Outcome::Miss) {
                slots.push((*outcome, slot));
                slot += 1;
            }
            let table = match id {
                KpiId::OnTimeShipping => (0..1 << shipping::BITS)
                    .map(|bits| stride * id.code_of(shipping::outcome(bits)))
                    .collect(),
                KpiId::DeliveryDelay => (0..1 << delivery::BITS)
                    .map(|bits| stride * id.code_of(delivery::outcome(bits)))
                    .collect(),
                _ => Vec::new(),
            };
            measures.push(Measure { id, stride, slots, table, rides: false });
        }
        let host = measures.iter().position(|measure| measure.id == KpiId::OnTimeShipping);
        if let Some((before, [host, after @ ..])) =
            host.and_then(|host| measures.split_at_mut_checked(host))
        {
            for rider in before.iter_mut().chain(after) {
                if matches!(rider.id, KpiId::Cancellation | KpiId::SellerFaultCancellation) {
                    host.ride(rider);
                    rider.rides = true;
                }
            }
        }
        let width = slot.next_multiple_of(4);
        let mut deltas = Vec::new();
        for code in 0..codes {
            let mut delta = vec![0; width];
            raise(&mut delta, 0);
            for measure in &measures {
                let outcomes = measure.id.outcomes();
                let own = usize::from(code / measure.stride) % outcomes.len();
                let outcome = outcomes.get(own).copied().unwrap_or(Outcome::Miss);
                if let Some((_, slot)) = measure.slots.iter().find(|(known, _)| *known == outcome) {
                    raise(&mut delta, *slot);
                }
            }
            deltas.extend(delta);
        }
        for slot in 1..COMMON_SLOTS {
            let mut delta = vec![0; width];
            raise(&mut delta, slot);
            deltas.extend(delta);
        }
        let sums = measures.iter().any(|measure| measure.id.is_duration());
        let mut plan = Self {
            cohort,
            measures,
            width,
            deltas,
            codes,
            sums,
            as_of: super::facts::instant_micros(query.as_of),
            overdue: super::facts::instant_micros(query.as_of)
                .saturating_sub(query.policy.scan_grace_micros()),
            shipped: query.policy.ship_time_basis.into(),
            defects: query.policy.defects,
            durations: Vec::new(),
        };
        plan.durations = (0..codes).map(|code| -i64::from(plan.has_duration(code))).collect();
        Some(plan)
    }

    /// The figure's counters, if the cohort has them.
    pub(super) fn measure(&self, id: KpiId) -> Option<&Measure> {
        let id = if id == KpiId::LateShipping { KpiId::OnTimeShipping } else { id };
        self.measures.iter().find(|measure| measure.id == id)
    }

    /// The reasons of the common counters, from the second one.
    pub(super) fn common_reasons() -> impl Iterator<Item = (ExclusionReason, usize)> {
        COMMON.into_iter().zip(1..)
    }

    /// What a row adds to the counters of its group.
    pub(super) fn delta(&self, code: u16) -> &[u32] {
        let begin = usize::from(code) * self.width;
        self.deltas.get(begin..begin + self.width).unwrap_or(&[])
    }

    /// Whether the duration of a row of this code counts.
    pub(super) fn has_duration(&self, code: u16) -> bool {
        let duration = self.measures.iter().find(|measure| measure.id.is_duration());
        code < self.codes
            && duration.is_some_and(|measure| {
                let outcomes = u16::try_from(measure.id.outcomes().len()).unwrap_or(u16::MAX);
                // The first outcome is the one that counts.
                (code / measure.stride).is_multiple_of(outcomes)
            })
    }

    /// The last tick that has come.
    pub(super) fn as_of<T: Tick>(as_of: i64, clock: Clock) -> T {
        // What lies beyond the ticks has not happened, however late it is now.
        T::nearest(clock.floor(as_of)).min(T::LAST)
    }

    /// What holds for all rows of a chunk.
    pub(super) fn common<T: Tick>(columns: &Columns<'_, T>, rows: usize, as_of: T) -> Common {
        let special = flags::TEST | flags::PLATFORM_FULFILLED;
        let marks = columns.flags(rows).iter().fold(0, |all, marks| all | marks);
        Common { paid: latest(columns.at(At::Paid, rows)) <= as_of, plain: marks & special == 0 }
    }

    /// Instant, code and duration in microseconds of one row; the instant may lie outside of the
    /// window.
    pub(super) fn row(&self, row: &PackedRow, chunk: &mut Scratch<i64>) -> (i64, u16, i64) {
        let columns = Columns::of_row(row);
        let common = Self::common(&columns, 1, self.as_of);
        self.fill_codes(&columns, 1, common, chunk);
        let code = chunk.codes.first().copied().unwrap_or(0);
        let span = self.spans(&columns, 1).of(0, code);
        let instants = self.instants(&columns, 1, common, NEVER, &mut chunk.instants);
        (instants.first().copied().unwrap_or(NEVER), code, span)
    }

    /// The two instants between which durations of the cohort lie; none without durations.
    pub(super) fn spans<'a, T: Tick>(
        &'a self,
        columns: &'a Columns<'_, T>,
        rows: usize,
    ) -> Spans<'a, T> {
        if !self.sums {
            return Spans { begin: &[], end: &[], masks: &[] };
        }
        let (begin, end) = match self.cohort {
            Cohort::Acknowledged => (At::Created, At::Acknowledged),
            _ => (At::Paid, At::ShipConfirmed),
        };
        Spans {
            begin: columns.at(begin, rows),
            end: columns.at(end, rows),
            masks: self.durations.as_slice(),
        }
    }

    /// Fills the codes of the first `rows` rows of a chunk.
    pub(super) fn fill_codes<T: Tick>(
        &self,
        columns: &Columns<'_, T>,
        rows: usize,
        common: Common,
        out: &mut Scratch<T>,
    ) {
        let as_of: T = Self::as_of(self.as_of, columns.clock);
        let (Some(codes), Some(questions)) =
            (out.codes.get_mut(..rows), out.questions.get_mut(..rows))
        else {
            return;
        };
        codes.fill(0);
        for measure in self.measures.iter().filter(|measure| !measure.rides) {
            self.measure_codes(measure, columns, as_of, questions, codes);
        }
        if !(common.paid && common.plain) {
            let all = self.codes;
            let marks = columns.flags(rows).iter().zip(columns.at(At::Paid, rows));
            for (code, (marks, paid)) in codes.iter_mut().zip(marks) {
                let unpaid = if *paid <= as_of { 0 } else { 3 };
                let elsewhere = if marks & flags::PLATFORM_FULFILLED != 0 { 2 } else { unpaid };
                let never: u16 = if marks & flags::TEST != 0 { 1 } else { elsewhere };
                *code = if never == 0 { *code } else { all + never - 1 };
            }
        }
    }

    /// Bits of the codes.
    pub(super) fn code_bits(&self) -> u32 {
        let codes = usize::from(self.codes) + COMMON_SLOTS - 1;
        usize::BITS - codes.saturating_sub(1).leading_zeros()
    }

    /// The cohort instants of the first `rows` rows of a chunk, as far as they lie before `to`: a
    /// column of the table where it says just that, else made in `buffer`.
    pub(super) fn instants<'a, T: Tick>(
        &self,
        columns: &'a Columns<'_, T>,
        rows: usize,
        common: Common,
        to: T,
        buffer: &'a mut [T],
    ) -> &'a [T] {
        let as_of: T = Self::as_of(self.as_of, columns.clock);
        let paid = columns.at(At::Paid, rows);
        let placed_or_paid = |created: T, paid: T| {
            let placed = if created <= as_of { created } else { T::NEVER };
            if paid <= as_of { paid } else { placed }
        };
        let Some(instants) = buffer.get_mut(..rows) else { return &[] };
        let own = match self.cohort {
            Cohort::Paid if common.paid => return paid,
            Cohort::Paid => {
                let pairs = columns.at(At::Created, rows).iter().zip(paid);
                for (instant, (created, paid)) in instants.iter_mut().zip(pairs) {
                    *instant = placed_or_paid(*created, *paid);
                }
                return instants;
            }
            Cohort::DeliverBy => {
                let due = columns.at(At::DeliverBy, rows);
                if latest(due) != T::NEVER {
                    return due;
                }
                let pairs = columns.at(At::Created, rows).iter().zip(paid);
                for (instant, ((created, paid), due)) in instants.iter_mut().zip(pairs.zip(due)) {
                    *instant =
                        if *due == T::NEVER { placed_or_paid(*created, *paid) } else { *due };
                }
                return instants;
            }
            Cohort::ShipConfirmed => At::ShipConfirmed,
            Cohort::Uploaded => At::Uploaded,
            Cohort::Created => At::Created,
            Cohort::Acknowledged => At::Acknowledged,
        };
        let own = columns.at(own, rows);
        // What has not come yet lies behind the window anyway.
        if to <= as_of {
            return own;
        }
        for (instant, own) in instants.iter_mut().zip(own) {
            *instant = if *own <= as_of { *own } else { T::NEVER };
        }
        instants
    }

    fn measure_codes<T: Tick>(
        &self,
        measure: &Measure,
        columns: &Columns<'_, T>,
        as_of: T,
        questions: &mut [u16],
        codes: &mut [u16],
    ) {
        let rows = codes.len();
        let stride = measure.stride;
        let at = |which| columns.at(which, rows);
        let marks = columns.flags(rows);
        let encode = |outcome| match outcome {
            Outcome::Miss => 0,
            Outcome::Hit => stride,
            Outcome::Pending => 2 * stride,
            Outcome::Excluded(ExclusionReason::NotNeeded) => 3 * stride,
            Outcome::Excluded(_) => 4 * stride,
        };
        let happened = |codes: &mut [u16], column: &[T]| {
            for (code, instant) in codes.iter_mut().zip(column) {
                *code += if *instant <= as_of { stride } else { 0 };
            }
        };
        match measure.id {
            KpiId::OnTimeShipping => {
                let columns = at(self.shipped).iter().zip(at(At::ShipBy)).zip(at(At::Cancelled));
                for (bits, (((shipped, due), cancelled), marks)) in
                    questions.iter_mut().zip(columns.zip(marks))
                {
                    let whole = (marks / flags::FULLY_SHIPPED) & 1;
                    let by = marks & flags::CANCELLED_BY;
                    *bits = shipping::question(*shipped, whole, *due, *cancelled, by, as_of);
                }
                measure.answer::<{ 1 << shipping::BITS }>(questions, codes);
            }
            KpiId::Cancellation => happened(codes, at(At::Cancelled)),
            KpiId::SellerFaultCancellation => {
                let pairs = at(At::Cancelled).iter().zip(marks);
                for (code, (cancelled, marks)) in codes.iter_mut().zip(pairs) {
                    let fault = marks & flags::CANCELLED_BY >= super::CancelledBy::Seller.bits();
                    *code += if fault & (*cancelled <= as_of) { stride } else { 0 };
                }
            }
            KpiId::Complaint => happened(codes, at(At::Complaint)),
            KpiId::Dispute => happened(codes, at(At::Dispute)),
            KpiId::ExceptionRate => happened(codes, at(At::Exception)),
            KpiId::OrderDefect => self.defect_codes(stride, columns, rows, as_of, codes),
            KpiId::HandlingTime => {
                let spans = at(At::Paid).iter().zip(at(At::ShipConfirmed));
                for (code, (marks, (paid, shipped))) in
                    codes.iter_mut().zip(marks.iter().zip(spans))
                {
                    let bad = if paid > shipped { 2 * stride } else { 0 };
                    *code += if marks & flags::FULLY_SHIPPED == 0 { stride } else { bad };
                }
            }
            KpiId::TimeToAcknowledge => {
                let spans = at(At::Created).iter().zip(at(At::Acknowledged));
                for (code, (created, acknowledged)) in codes.iter_mut().zip(spans) {
                    *code += if created > acknowledged { stride } else { 0 };
                }
            }
            KpiId::TrackingUpload => {
                for (code, (marks, uploaded)) in
                    codes.iter_mut().zip(marks.iter().zip(at(At::Uploaded)))
                {
                    let whole = marks & flags::FULLY_SHIPPED != 0;
                    let needed = marks & flags::NUMBER_NEEDED != 0;
                    *code += encode(tracking_upload(whole, needed, *uploaded, as_of));
                }
            }
            KpiId::TrackingUploadInTime => {
                let instants = at(At::Uploaded).iter().zip(at(At::UploadBy));
                for (code, (marks, (uploaded, by))) in
                    codes.iter_mut().zip(marks.iter().zip(instants))
                {
                    let whole = marks & flags::FULLY_SHIPPED != 0;
                    let needed = marks & flags::NUMBER_NEEDED != 0;
                    *code += encode(tracking_upload_in_time(whole, needed, *uploaded, *by, as_of));
                }
            }
            KpiId::ProcessingAccuracy => {
                for (code, (marks, mistake)) in
                    codes.iter_mut().zip(marks.iter().zip(at(At::Mistake)))
                {
                    let whole = marks & flags::FULLY_SHIPPED != 0;
                    let judged = if *mistake <= as_of { Outcome::Miss } else { Outcome::Hit };
                    *code += encode(if whole { judged } else { Outcome::Pending });
                }
            }
            KpiId::DeliveryDelay => {
                let columns =
                    at(At::DeliverBy).iter().zip(at(At::Delivered)).zip(at(At::Cancelled));
                for (bits, ((due, delivered), cancelled)) in questions.iter_mut().zip(columns) {
                    *bits = delivery::question(*due, *delivered, *cancelled, as_of);
                }
                measure.answer::<{ 1 << delivery::BITS }>(questions, codes);
            }
            KpiId::ValidTracking => {
                let overdue = T::nearest(columns.clock.floor(self.overdue)).min(T::LAST);
                let instants = at(At::Uploaded).iter().zip(at(At::Accepted));
                for (code, (marks, (uploaded, scanned))) in
                    codes.iter_mut().zip(marks.iter().zip(instants))
                {
                    let whole = marks & flags::FULLY_SHIPPED != 0;
                    let valid = marks & flags::NUMBERS_VALID != 0;
                    let outcome = valid_tracking(whole, valid, *uploaded, *scanned, overdue, as_of);
                    *code += encode(outcome);
                }
            }
            KpiId::Acknowledgement => {
                let instants = at(At::Acknowledged).iter().zip(at(At::AcknowledgeBy));
                for (code, (marks, (done, by))) in codes.iter_mut().zip(marks.iter().zip(instants))
                {
                    let needed = marks & flags::NEEDS_ACKNOWLEDGEMENT != 0;
                    *code += encode(acknowledgement(needed, *done, *by, as_of));
                }
            }
            _ => {}
        }
    }

    /// KPI-12: a row is hit once, by whichever defect.
    fn defect_codes<T: Tick>(
        &self,
        stride: u16,
        columns: &Columns<'_, T>,
        rows: usize,
        as_of: T,
        codes: &mut [u16],
    ) {
        let mut defective = [false; CHUNK];
        let instants = [
            (Defect::Complaint, At::Complaint),
            (Defect::NegativeReview, At::NegativeReview),
            (Defect::SellerRefund, At::SellerRefund),
            (Defect::Dispute, At::Dispute),
            (Defect::ShippingMistake, At::Mistake),
        ];
        for (defect, which) in instants {
            if self.defects.contains(defect) {
                for (hit, instant) in defective.iter_mut().zip(columns.at(which, rows)) {
                    *hit |= *instant <= as_of;
                }
            }
        }
        let cancellations = [
            (Defect::CancelledBySeller, super::CancelledBy::Seller),
            (Defect::CancelledNotAcknowledged, super::CancelledBy::NotAcknowledged),
            (Defect::CancelledNotShipped, super::CancelledBy::NotShipped),
        ];
        let counted: u16 = cancellations
            .into_iter()
            .filter(|(defect, _)| self.defects.contains(*defect))
            .map(|(_, by)| 1 << by.bits())
            .fold(0, |set, bit| set | bit);
        let cancelled = columns.at(At::Cancelled, rows).iter().zip(columns.flags(rows));
        for (hit, (cancelled, marks)) in defective.iter_mut().zip(cancelled) {
            let by = marks & flags::CANCELLED_BY;
            *hit |= (*cancelled <= as_of) & ((counted >> by) & 1 == 1);
        }
        for (code, hit) in codes.iter_mut().zip(defective) {
            *code += if hit { stride } else { 0 };
        }
    }
}

/// The latest of some instants. Looking at all of them is quicker than stopping early.
fn latest<T: Tick>(instants: &[T]) -> T {
    instants.iter().fold(T::nearest(i64::MIN), |latest, instant| latest.max(*instant))
}

fn raise(delta: &mut [u32], slot: usize) {
    if let Some(counter) = delta.get_mut(slot) {
        *counter += 1;
    }
}

/// Where the facts of a chunk come from: rows of a table from a place on, or one row.
pub(super) struct Columns<'a, T> {
    instants: [&'a [T]; INSTANTS],
    flags: &'a [u16],
    pub(super) clock: Clock,
}

impl<'a> Columns<'a, i64> {
    fn of_row(row: &'a PackedRow) -> Self {
        Self {
            instants: row.instants.each_ref().map(std::slice::from_ref),
            flags: std::slice::from_ref(&row.flags),
            clock: Clock::MICROS,
        }
    }
}

impl<'a, T: Tick> Columns<'a, T> {
    /// Rows of a table whose instants are of this kind.
    pub(super) fn of_table(
        instants: &'a [Column<T>; INSTANTS],
        flags: &'a [u16],
        clock: Clock,
        rows: std::ops::Range<usize>,
    ) -> Self {
        Self {
            instants: instants.each_ref().map(|column| column.0.get(rows.clone()).unwrap_or(&[])),
            flags: flags.get(rows).unwrap_or(&[]),
            clock,
        }
    }

    pub(super) fn at(&self, which: At, rows: usize) -> &[T] {
        let column = self.instants.get(which as usize).copied().unwrap_or(&[]);
        let filled = if column.is_empty() { T::NEVERS.as_slice() } else { column };
        filled.get(..rows).unwrap_or(&[])
    }

    fn flags(&self, rows: usize) -> &[u16] {
        let filled = if self.flags.is_empty() { PLAIN_FLAGS.as_slice() } else { self.flags };
        filled.get(..rows).unwrap_or(&[])
    }
}

/// The instants between which the durations of some rows lie, and by code whether they count.
pub(super) struct Spans<'a, T> {
    pub(super) begin: &'a [T],
    pub(super) end: &'a [T],
    masks: &'a [i64],
}

impl<T: Tick> Spans<'_, T> {
    /// Ticks between two instants, or 0 for codes whose rows have no duration.
    #[inline(always)]
    pub(super) fn between(&self, begin: T, end: T, code: u16) -> i64 {
        end.wide().wrapping_sub(begin.wide())
            & self.masks.get(usize::from(code)).copied().unwrap_or(0)
    }

    /// [`Spans::between`] of a row.
    pub(super) fn of(&self, row: usize, code: u16) -> i64 {
        match (self.begin.get(row), self.end.get(row)) {
            (Some(begin), Some(end)) => self.between(*begin, *end, code),
            _ => 0,
        }
    }
}

/// What a chunk of rows came to.
#[derive(Debug, Clone)]
pub(super) struct Scratch<T> {
    /// Room for cohort instants, in ticks.
    pub(super) instants: Vec<T>,
    pub(super) codes: Vec<u16>,
    /// Room for what is asked of the rows.
    questions: Vec<u16>,
}

impl<T: Tick> Scratch<T> {
    pub(super) fn of(rows: usize) -> Self {
        Self { instants: vec![T::NEVER; rows], codes: vec![0; rows], questions: vec![0; rows] }
    }
}
