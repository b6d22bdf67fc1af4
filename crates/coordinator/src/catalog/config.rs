//! How a setting's text is read and judged (Kafka: `ConfigDef`).

/// The type of a value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ConfigKind {
    /// `true` or `false`.
    Boolean,
    /// Text.
    String,
    /// 32 bits.
    Int,
    /// 64 bits.
    Long,
    /// Floating point.
    Double,
    /// Texts with commas between.
    List,
}

impl ConfigKind {
    /// Kafka's number for it in DescribeConfigs.
    #[must_use]
    pub fn id(self) -> i8 {
        match self {
            Self::Boolean => 1,
            Self::String => 2,
            Self::Int => 3,
            Self::Long => 5,
            Self::Double => 6,
            Self::List => 7,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Boolean => "BOOLEAN",
            Self::String => "STRING",
            Self::Int => "INT",
            Self::Long => "LONG",
            Self::Double => "DOUBLE",
            Self::List => "LIST",
        }
    }
}

/// What a value must also be.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Check {
    /// Anything of its type.
    Any,
    /// No less than this.
    AtLeast(i64),
    /// No less than the first, no more than the second.
    Between(i64, i64),
    /// The same, or −1 for the codec's own default.
    BetweenOrDefault(i64, i64),
    /// From 0 to 1.
    Ratio,
    /// One of these texts, or for a list: each of its texts.
    OneOf(&'static [&'static str]),
    /// `*`, or a list of `partition:broker`.
    ThrottledReplicas,
}

/// In what a broker's setting counts time, from which a topic's setting gets its default.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unit {
    /// As the topic's setting does.
    Same,
    /// In minutes, where the topic's is in milliseconds.
    Minutes,
    /// In hours, where the topic's is in milliseconds.
    Hours,
}

/// A broker's setting that is the default of a topic's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Synonym {
    /// The broker's key.
    pub key: &'static str,
    /// In what it counts.
    pub unit: Unit,
}

impl Synonym {
    /// A broker's value in the topic's unit.
    pub(super) fn convert(self, value: &str) -> String {
        let factor = match self.unit {
            Unit::Same => return value.to_owned(),
            Unit::Minutes => 60_000,
            Unit::Hours => 3_600_000,
        };
        match value.trim().parse::<i64>() {
            // −1 is no limit in every unit.
            Ok(count) if count >= 0 => count.saturating_mul(factor).to_string(),
            Ok(_) | Err(_) => value.to_owned(),
        }
    }
}

/// A setting that a topic can have.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct TopicConfigKey {
    /// Kafka's key.
    pub name: &'static str,
    /// Type of its value.
    pub kind: ConfigKind,
    /// Its value when nobody set anything.
    pub default: &'static str,
    /// What a value must also be.
    pub check: Check,
    /// Broker settings that make its default, the strongest first.
    pub synonyms: &'static [Synonym],
    /// What it does, in a sentence.
    pub doc: &'static str,
}

/// A value that a key cannot have.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0}")]
pub struct InvalidConfig(pub String);

impl TopicConfigKey {
    /// Judges a value.
    ///
    /// # Errors
    /// It is not of the key's type, or not one that the key may have.
    pub fn validate(&self, value: &str) -> Result<(), InvalidConfig> {
        match self.kind {
            ConfigKind::Boolean => self.boolean(value).map(|_| ()),
            ConfigKind::String => self.text(value.trim()),
            ConfigKind::Int | ConfigKind::Long => self.whole(value).and_then(|n| self.number(n)),
            ConfigKind::Double => self.double(value).and_then(|x| self.ratio(x)),
            ConfigKind::List => self.list(&parts(value)),
        }
    }

    pub(super) fn boolean(&self, value: &str) -> Result<bool, InvalidConfig> {
        match value.trim().to_ascii_lowercase().as_str() {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err(self.invalid(value, "Expected value to be either true or false")),
        }
    }

    pub(super) fn whole(&self, value: &str) -> Result<i64, InvalidConfig> {
        let text = value.trim();
        let number = if self.kind == ConfigKind::Int {
            text.parse::<i32>().map(i64::from)
        } else {
            text.parse::<i64>()
        };
        number.map_err(|_| self.not_a_number(value))
    }

    pub(super) fn double(&self, value: &str) -> Result<f64, InvalidConfig> {
        let number = value.trim().parse::<f64>().ok().filter(|x| x.is_finite());
        number.ok_or_else(|| self.not_a_number(value))
    }

    fn number(&self, number: i64) -> Result<(), InvalidConfig> {
        let low = |least| format!("Value must be at least {least}");
        let problem = match self.check {
            Check::AtLeast(least) | Check::Between(least, _) if number < least => low(least),
            Check::Between(_, most) if number > most => {
                format!("Value must be no more than {most}")
            }
            Check::BetweenOrDefault(least, most)
                if number != -1 && !(least..=most).contains(&number) =>
            {
                format!("Value must be between {least} and {most} or equal to -1")
            }
            Check::Any
            | Check::AtLeast(_)
            | Check::Between(..)
            | Check::BetweenOrDefault(..)
            | Check::Ratio
            | Check::OneOf(_)
            | Check::ThrottledReplicas => return Ok(()),
        };
        Err(self.invalid(&number.to_string(), &problem))
    }

    fn ratio(&self, number: f64) -> Result<(), InvalidConfig> {
        let problem = if number < 0.0 {
            "Value must be at least 0"
        } else if number > 1.0 {
            "Value must be no more than 1"
        } else {
            return Ok(());
        };
        Err(self.invalid(&format!("{number:?}"), problem))
    }

    fn text(&self, text: &str) -> Result<(), InvalidConfig> {
        match self.check {
            Check::OneOf(allowed) if !allowed.contains(&text) => {
                let problem = format!("String must be one of: {}", allowed.join(", "));
                Err(self.invalid(text, &problem))
            }
            _ => Ok(()),
        }
    }

    fn list(&self, parts: &[&str]) -> Result<(), InvalidConfig> {
        if self.check == Check::ThrottledReplicas {
            let fits = parts == ["*"] || parts.iter().all(|part| is_replica(part));
            let problem = format!(
                "{} must be the literal '*' or a list of replicas in the following format: \
                 [partitionId]:[brokerId],[partitionId]:[brokerId],...",
                self.name
            );
            let value = format!("[{}]", parts.join(", "));
            return if fits {
                Ok(())
            } else {
                Err(self.invalid(&value, &problem))
            };
        }
        if parts.contains(&"") {
            let name = self.name;
            return Err(InvalidConfig(format!(
                "Configuration '{name}' values must not be empty."
            )));
        }
        parts.iter().try_for_each(|part| self.text(part))
    }

    fn not_a_number(&self, value: &str) -> InvalidConfig {
        self.invalid(value, &format!("Not a number of type {}", self.kind.name()))
    }

    fn invalid(&self, value: &str, problem: &str) -> InvalidConfig {
        InvalidConfig(format!(
            "Invalid value {value} for configuration {}: {problem}",
            self.name
        ))
    }
}

/// The texts of a list.
pub(super) fn parts(value: &str) -> Vec<&str> {
    let value = value.trim();
    if value.is_empty() {
        Vec::new()
    } else {
        value.split(',').map(str::trim).collect()
    }
}

/// Whether a text is `partition:broker`.
fn is_replica(text: &str) -> bool {
    let number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    text.split_once(':')
        .is_some_and(|(partition, broker)| number(partition) && number(broker))
}
