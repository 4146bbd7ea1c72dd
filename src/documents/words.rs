//! The words printed on warehouse papers.

use super::paper::Paper;

macro_rules! words {
    ($($(#[$doc:meta])* $name:ident: $english:literal, $spanish:literal, $portuguese:literal, $chinese:literal;)*) => {
        /// The words printed on warehouse papers, in four languages; hosts may change each.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub struct Words {
            /// ISO 639-1.
            pub language: &'static str,
            $($(#[$doc])* pub $name: &'static str,)*
        }

        impl Words {
            /// English.
            pub const ENGLISH: Self = Self { language: "en", $($name: $english,)* };
            /// Spanish.
            pub const SPANISH: Self = Self { language: "es", $($name: $spanish,)* };
            /// Portuguese.
            pub const PORTUGUESE: Self = Self { language: "pt", $($name: $portuguese,)* };
            /// Chinese.
            pub const CHINESE: Self = Self { language: "zh", $($name: $chinese,)* };
        }
    };
}

words! {
    /// Title.
    pick_list: "Pick list", "Lista de recolección", "Lista de separação", "拣货单";
    /// Title.
    packing_slip: "Packing slip", "Nota de empaque", "Romaneio de embalagem", "装箱单";
    /// Title.
    hand_over: "Hand-over to the carrier", "Entrega al transportista", "Entrega à transportadora", "承运商交接单";
    /// Title.
    manifest: "End-of-day manifest", "Manifiesto de fin de día", "Manifesto de fim do dia", "日终清单";
    /// Field.
    wave: "Wave", "Ola", "Onda", "波次";
    /// Field.
    made_at: "Made", "Hecho", "Feito", "生成时间";
    /// Field and column.
    packages: "Packages", "Paquetes", "Pacotes", "包裹";
    /// Field and column.
    package: "Package", "Paquete", "Pacote", "包裹";
    /// Field.
    of_these_single: "Of these with one item", "Con un solo artículo", "Com um só item", "其中单件";
    /// Field and column.
    units: "Units", "Unidades", "Unidades", "件数";
    /// Column.
    bin: "Bin", "Ubicación", "Endereço", "货位";
    /// Where no bin is known.
    no_bin: "no bin", "sin ubicación", "sem endereço", "无货位";
    /// Column.
    sku: "SKU", "SKU", "SKU", "SKU";
    /// Column.
    item: "Item", "Artículo", "Item", "商品";
    /// Field and column: the number of the label in the batch.
    label: "Label", "Etiqueta", "Etiqueta", "面单";
    /// Field and column.
    order: "Order", "Pedido", "Pedido", "订单";
    /// Column.
    contents: "Contents", "Contenido", "Conteúdo", "内容";
    /// Heading.
    single_items: "Packages of one item", "Paquetes con un solo artículo", "Pacotes com um só item", "单件包裹";
    /// Heading.
    several_items: "Packages of several items", "Paquetes con varios artículos", "Pacotes com vários itens", "多件包裹";
    /// Field.
    placed: "Ordered", "Fecha del pedido", "Data do pedido", "下单时间";
    /// Field.
    shop: "Shop", "Tienda", "Loja", "店铺";
    /// Field.
    ship_to: "Ship to", "Enviar a", "Enviar para", "收件人";
    /// Field.
    from: "From", "Remitente", "Remetente", "寄件人";
    /// Heading.
    note: "Note", "Nota", "Observação", "备注";
    /// Field and column.
    carrier: "Carrier", "Transportista", "Transportadora", "承运商";
    /// Field and column.
    tracking: "Tracking number", "Número de seguimiento", "Código de rastreio", "运单号";
    /// Field: the number of a sheet.
    sheet: "Sheet", "Hoja", "Folha", "单号";
    /// Column.
    service: "Service", "Servicio", "Serviço", "服务";
    /// Column.
    weight: "Weight, g", "Peso, g", "Peso, g", "重量（克）";
    /// Field.
    account: "Account", "Cuenta", "Conta", "账户";
    /// Field.
    origin: "Ship-from postcode", "Código postal de origen", "CEP de origem", "发货邮编";
    /// Field.
    date: "Date", "Fecha", "Data", "日期";
    /// Field.
    warehouse: "Warehouse", "Almacén", "Depósito", "仓库";
    /// Field.
    person: "Person", "Persona", "Pessoa", "经办人";
    /// Line to sign on.
    given_by: "Given by: name, signature", "Entrega: nombre, firma", "Entregue por: nome, assinatura", "交付人：姓名、签字";
    /// Line to sign on.
    taken_by: "Taken by: name, signature, time", "Recibe: nombre, firma, hora", "Recebido por: nome, assinatura, hora", "接收人：姓名、签字、时间";
    /// Of "page 1 of 2".
    page: "page", "página", "página", "页";
    /// Of "page 1 of 2".
    of: "of", "de", "de", "/";
}

impl Default for Words {
    fn default() -> Self {
        Self::ENGLISH
    }
}

impl Words {
    /// An empty paper in this language.
    #[must_use]
    pub fn paper(&self, title: &str) -> Paper {
        Paper::new(title).with_language(self.language, self.page, self.of)
    }
}
