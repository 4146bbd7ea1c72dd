//! What a warehouse needs on paper: labels in one file, the pick list in the same order, a slip for
//! each parcel, sheets for the drivers, lists of the day.

use std::collections::BTreeMap;
use std::path::Path;

use chrono::NaiveDate;
use orderflow::documents::Words;
use orderflow::documents::hand_over::HandOver;
use orderflow::documents::manifest::{ManifestKey, ManifestList, ManifestParcel};
use orderflow::documents::merge::PageSize;
use orderflow::documents::packing_slip::PackingSlip;
use orderflow::documents::paper::{Fonts, Paper, print_together};
use orderflow::documents::pick_list::{PickList, PickPackage};
use orderflow::documents::print::PrintFolder;
use orderflow::engine::{DayEndOutcome, ItemOutcome, PackageRef};
use orderflow::order::{LogisticsMode, Order};
use orderflow::shipment::{DocumentKind, Package};
use orderflow::{PackageId, Sku};

use crate::Failure;
use crate::day::ROUNDS;
use crate::house::{House, SITES, Site, local};
use crate::timeline::Timeline;

/// Parcels of a warehouse, each with its order.
type Wave = Vec<(PackageRef, Order, Package)>;

/// What one warehouse may write; anything else in its folder stays.
pub const FILES: [&str; 10] = [
    "labels.pdf",
    "customs.pdf",
    "pick-list.pdf",
    "pick-list.html",
    "packing-slips.pdf",
    "hand-over.pdf",
    "manifests.pdf",
    "closed-usps.pdf",
    "closed-fedex.pdf",
    "closed-dhl-ecommerce.pdf",
];

/// Where goods lie: by the first letters of the SKU and a number that is always the same.
fn bin_of(sku: &Sku) -> Option<String> {
    let aisle: String = sku.as_str().chars().filter(char::is_ascii_alphabetic).take(1).collect();
    let shelf = sku.as_str().bytes().fold(7_u32, |sum, byte| (sum * 31 + u32::from(byte)) % 97);
    Some(format!("{aisle}-{shelf:02}"))
}

fn words(site: &Site) -> &'static Words {
    match site.country {
        "BR" => &Words::PORTUGUESE,
        "MX" | "AR" => &Words::SPANISH,
        _ => &Words::ENGLISH,
    }
}

/// The parcels of a list by the warehouse they leave from, in the list's order.
async fn waves(
    house: &House,
    items: &[PackageRef],
) -> Result<BTreeMap<&'static str, Wave>, Failure> {
    let mut orders = BTreeMap::new();
    house
        .look_at_all(house.clock.now(), |order| {
            orders.insert(order.key.clone(), order.clone());
        })
        .await?;
    let mut waves: BTreeMap<&'static str, Wave> = BTreeMap::new();
    for item in items {
        let Some(order) = orders.get(&item.order) else { continue };
        let Some(package) = order.package(&item.package) else { continue };
        let site = SITES
            .iter()
            .find(|site| package.warehouse.as_ref().is_some_and(|id| id.as_str() == site.id));
        if let Some(site) = site {
            let parcel = (item.clone(), order.clone(), package.clone());
            waves.entry(site.id).or_default().push(parcel);
        }
    }
    Ok(waves)
}

fn site(id: &str) -> &'static Site {
    SITES.iter().find(|site| site.id == id).unwrap_or(&SITES[0])
}

fn written(folder: &Path, name: &str, bytes: &[u8]) -> Result<(), Failure> {
    let path = folder.join(name);
    std::fs::write(&path, bytes).map_err(|error| format!("{}: {error}", path.display()).into())
}

/// Several papers as one file, which needs each font once.
fn together(papers: impl IntoIterator<Item = Paper>) -> Result<Vec<u8>, Failure> {
    let papers: Vec<Paper> = papers.into_iter().collect();
    let printed = print_together(&papers, &Fonts::default());
    if printed.pages == 0 {
        return Err("there is nothing to print".into());
    }
    Ok(printed.bytes.expose().clone())
}

/// 09:45: everything that is needed to pick and to pack, a folder for each warehouse.
pub async fn printed(
    house: &House,
    timeline: &Timeline,
    today: NaiveDate,
    bought: &[PackageRef],
    out: &Path,
) -> Result<(), Failure> {
    let now = local(today, 9, 45);
    house.clock.set(now);
    let mut lines = Vec::new();
    let mut labels = 0;
    for (id, wave) in waves(house, bought).await? {
        let (site, words) = (site(id), words(site(id)));
        let folder = out.join(id);
        std::fs::create_dir_all(&folder)?;
        let clock = |at: chrono::DateTime<chrono::Utc>| {
            at.with_timezone(&site.zone).format("%Y-%m-%d %H:%M").to_string()
        };
        let packages: Vec<PickPackage> = wave
            .iter()
            .map(|(_, order, package)| PickPackage::of(order, package, bin_of))
            .collect();
        let list = PickList::new(format!("{id} 09:45"), packages).with_made_at(clock(now));
        let of: BTreeMap<&PackageId, &(PackageRef, Order, Package)> =
            wave.iter().map(|parcel| (&parcel.2.id, parcel)).collect();
        let in_order: Vec<_> = list.label_order().filter_map(|id| of.get(id).copied()).collect();

        let items: Vec<PackageRef> = in_order.iter().map(|parcel| parcel.0.clone()).collect();
        let folder_printer = PrintFolder::new(&folder);
        let report = house.engine.print_labels(&items, &folder_printer, "labels", now).await?;
        // Invoices are pages of A4, which a label printer does not have.
        let kinds = [DocumentKind::Customs, DocumentKind::Other];
        let papers = house.engine.print_papers(&items, &kinds, &folder_printer, "customs").await?;
        for outcome in report.items.iter().chain(&papers.items) {
            if let ItemOutcome::Failed(error) = outcome {
                return Err(format!("labels of {id}: {error}").into());
            }
        }
        labels += report.items.iter().filter(|outcome| outcome.is_done()).count();
        let customs = papers.items.iter().filter(|outcome| outcome.is_done()).count();
        let paper = list.paper(words);
        written(&folder, "pick-list.html", paper.html().expose().as_bytes())?;
        written(&folder, "pick-list.pdf", &together([paper])?)?;
        let slips: Result<Vec<Paper>, _> = in_order
            .iter()
            .map(|(_, order, package)| {
                let slip = PackingSlip::of(order, package, clock(order.placed_at))
                    .with_shop("Harbor Goods");
                match list.number_of(&package.id) {
                    Some(number) => slip.with_place(list.wave(), number),
                    None => slip,
                }
                .paper(words, PageSize::LABEL)
            })
            .collect();
        written(&folder, "packing-slips.pdf", &together(slips?)?)?;
        lines.push(format!(
            "  {id:<13} {:>4} labels, {:>3} rows to pick{}",
            items.len(),
            list.lines().len(),
            match customs {
                0 => String::new(),
                count => format!(", papers for customs with {count}"),
            }
        ));
    }
    timeline.at(
        now,
        &format!(
            "{labels} labels in {} files, pick lists and packing slips written to {}/",
            lines.len(),
            out.display()
        ),
    );
    lines.iter().for_each(|line| timeline.note(line));
    Ok(())
}

/// 10:30: a sheet for each driver, the day's list of each carrier account, and the form of each
/// carrier that closes its day.
pub async fn handed_over(
    house: &House,
    timeline: &Timeline,
    bought: &[PackageRef],
    out: &Path,
) -> Result<(), Failure> {
    let now = house.clock.now();
    closed(house, timeline, bought, out).await?;
    for (id, wave) in waves(house, bought).await? {
        let (site, words) = (site(id), words(site(id)));
        let folder = out.join(id);
        let mut carriers: BTreeMap<String, Vec<_>> = BTreeMap::new();
        let mut listed = Vec::new();
        for (_, order, package) in &wave {
            let Some(tracking) = &package.tracking else { continue };
            carriers.entry(tracking.carrier.to_string()).or_default().push(tracking.number.clone());
            let Some(record) = package.label.record.as_ref() else { continue };
            if order.logistics == LogisticsMode::SellerCarrier {
                listed.push(ManifestParcel {
                    key: ManifestKey {
                        carrier: record.carrier.clone(),
                        account: "Harbor Goods".to_owned(),
                        origin_postcode: site.postal_code.to_owned(),
                        date: record.mailing_date.unwrap_or(now.date_naive()),
                    },
                    number: record.number.clone(),
                    service: record.service.clone(),
                    weight: package.weight,
                    manifest: None,
                });
            }
        }
        let day = now.with_timezone(&site.zone).format("%Y%m%d");
        let sheets = carriers.into_iter().map(|(carrier, numbers)| {
            HandOver {
                sheet: format!("{id}-{day}-{carrier}"),
                carrier,
                time: now.with_timezone(&site.zone).format("%Y-%m-%d %H:%M").to_string(),
                warehouse: format!("{id}, {}", site.city),
                person: None,
                numbers,
            }
            .paper(words)
        });
        written(&folder, "hand-over.pdf", &together(sheets)?)?;
        let (lists, faults) = ManifestList::group(listed);
        if let Some(fault) = faults.first() {
            return Err(format!("manifest of {id}: {fault}").into());
        }
        if !lists.is_empty() {
            let papers = lists.iter().map(|list| list.paper(words));
            written(&folder, "manifests.pdf", &together(papers)?)?;
        }
    }
    Ok(())
}

/// The carriers' own forms: USPS's SCAN form, FedEx's Ground manifest, DHL eCommerce's driver summary.
async fn closed(
    house: &House,
    timeline: &Timeline,
    bought: &[PackageRef],
    out: &Path,
) -> Result<(), Failure> {
    let now = house.clock.now();
    let mut told = Vec::new();
    for _ in 0..ROUNDS {
        let mut again = false;
        for end in house.engine.close_day(bought, now).await? {
            let (carrier, count) = (end.carrier.as_str(), end.numbers.len());
            match end.outcome {
                DayEndOutcome::Closed(manifest) => {
                    let mut names = Vec::new();
                    for (form, number) in manifest.documents.iter().zip(1..) {
                        let name = match number {
                            1 => format!("closed-{carrier}.pdf"),
                            _ => format!("closed-{carrier}-{number}.pdf"),
                        };
                        written(&out.join(end.warehouse.as_str()), &name, form.bytes.expose())?;
                        names.push(name);
                    }
                    let names = names.join(" and ");
                    told.push(format!("{} {carrier} on {names}", manifest.labels.len()));
                }
                DayEndOutcome::NotNeeded => {}
                DayEndOutcome::Failed(error) if error.is_passing() => again = true,
                // The answer was lost, or the carrier closed the day before it was.
                DayEndOutcome::Failed(error) => {
                    told.push(format!("{count} {carrier}: look at the carrier's list ({error})"));
                }
            }
        }
        if !again {
            break;
        }
    }
    timeline.note(&format!("the carriers' day is closed: {}", told.join(", ")));
    Ok(())
}
