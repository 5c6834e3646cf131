//! The `doc!` macro.

/// Builds a [`Document`](crate::Document) as one would write it in JSON.
///
/// Names are expressions that become [`Text`](crate::value::Text), values any expression that is `Into<Value>`;
/// braces and brackets nest, and `null` is null.
///
/// # Example
/// ```
/// use seed::doc;
///
/// let tag = "mail";
/// let filter = doc! { "tag": tag, "status": { "$in": ["queued", "delayed"] }, "error": null };
/// assert_eq!(filter.to_string(), r#"{"tag":"mail","status":{"$in":["queued","delayed"]},"error":null}"#);
/// ```
#[macro_export]
macro_rules! doc {
    () => { $crate::Document::new() };
    ($($fields:tt)+) => {{
        let mut document = $crate::Document::new();
        $crate::doc_fields!(document; $($fields)+);
        document
    }};
}

/// The fields of a [`doc!`], one after the other.
#[doc(hidden)]
#[macro_export]
macro_rules! doc_fields {
    ($document:ident;) => {};
    ($document:ident; $name:tt : $value:tt , $($rest:tt)*) => {
        $document.set($name, $crate::doc_value!($value));
        $crate::doc_fields!($document; $($rest)*);
    };
    ($document:ident; $name:tt : $value:tt) => {
        $document.set($name, $crate::doc_value!($value));
    };
    ($document:ident; $name:tt : $value:expr , $($rest:tt)*) => {
        $document.set($name, $crate::Value::from($value));
        $crate::doc_fields!($document; $($rest)*);
    };
    ($document:ident; $name:tt : $value:expr) => {
        $document.set($name, $crate::Value::from($value));
    };
}

/// One value of a [`doc!`].
#[doc(hidden)]
#[macro_export]
macro_rules! doc_value {
    (null) => { $crate::Value::Null };
    ({ $($fields:tt)* }) => { $crate::Value::Document($crate::doc!($($fields)*)) };
    ([ $($elements:tt)* ]) => {{
        #[allow(unused_mut, reason = "an empty array is not changed")]
        let mut elements = $crate::value::Array::new();
        $crate::doc_elements!(elements; $($elements)*);
        $crate::Value::Array(elements)
    }};
    ($value:expr) => { $crate::Value::from($value) };
}

/// The elements of an array in a [`doc!`], one after the other.
#[doc(hidden)]
#[macro_export]
macro_rules! doc_elements {
    ($elements:ident;) => {};
    ($elements:ident; $value:tt , $($rest:tt)*) => {
        $elements.push($crate::doc_value!($value));
        $crate::doc_elements!($elements; $($rest)*);
    };
    ($elements:ident; $value:tt) => {
        $elements.push($crate::doc_value!($value));
    };
    ($elements:ident; $value:expr , $($rest:tt)*) => {
        $elements.push($crate::Value::from($value));
        $crate::doc_elements!($elements; $($rest)*);
    };
    ($elements:ident; $value:expr) => {
        $elements.push($crate::Value::from($value));
    };
}
