//! The icons that screens use, each named by what it means here.

use crate::domain::AssetKind;
use eframe::egui::{Align2, Color32, FontFamily, FontId, Painter, Pos2};
use egui_material_icons::{MaterialIcon, icons};

/// A sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Icon {
    /// The product.
    Shield,
    /// Failover groups; failing over.
    Failover,
    /// Workspaces.
    Workspace,
    /// A region.
    Region,
    /// Activity and history.
    History,
    /// Settings.
    Settings,
    /// Search.
    Search,
    /// Add.
    Add,
    /// A tick.
    Check,
    /// All is well.
    Good,
    /// Something is wrong.
    Bad,
    /// Look here.
    Warn,
    /// Close.
    Close,
    /// Copy.
    Copy,
    /// Closed, can open; goes deeper.
    Right,
    /// Open, can close.
    Down,
    /// Upwards.
    Up,
    /// From here to there.
    Arrow,
    /// Something runs.
    Busy,
    /// Replication runs.
    Sync,
    /// Delete.
    Delete,
    /// Start or resume.
    Play,
    /// Paused.
    Pause,
    /// Try again.
    Retry,
    /// Read again.
    Refresh,
    /// Cannot be.
    Block,
    /// Not known.
    Unknown,
    /// For your information.
    Info,
    /// Time.
    Clock,
    /// On and off.
    Power,
    /// Keys.
    Keyboard,
    /// A catalog.
    Catalog,
    /// A schema.
    Schema,
    /// A table.
    Table,
    /// A view.
    View,
    /// Not begun.
    Circle,
    /// Set aside.
    Archive,
    /// Undone.
    Undo,
    /// Unreachable.
    Offline,
    /// A folder.
    Folder,
    /// Light theme.
    Light,
    /// Dark theme.
    Dark,
    /// The system's theme.
    System,
    /// Density.
    Density,
    /// Lags behind.
    Lagging,
    /// Written to by someone else.
    Drift,
    /// Not there.
    Missing,
    /// Swap two things.
    Swap,
    /// A token.
    Key,
    /// A stable URL.
    Link,
    /// Save elsewhere.
    Export,
    /// What should be reached.
    Target,
    /// Change something.
    Edit,
    /// A volume.
    Volume,
    /// A function.
    Function,
    /// Who may do what.
    Grant,
    /// A job.
    Job,
    /// A cluster.
    Cluster,
    /// A SQL warehouse.
    Warehouse,
    /// A notebook.
    Notebook,
    /// A file of a workspace.
    File,
    /// A dashboard.
    Dashboard,
}

impl Icon {
    /// The icon of a kind of object.
    pub fn of_kind(kind: AssetKind) -> Self {
        match kind {
            AssetKind::Catalog => Self::Catalog,
            AssetKind::Schema => Self::Schema,
            AssetKind::Table => Self::Table,
            AssetKind::View => Self::View,
            AssetKind::Volume => Self::Volume,
            AssetKind::Function => Self::Function,
            AssetKind::Grant => Self::Grant,
            AssetKind::Job => Self::Job,
            AssetKind::Cluster => Self::Cluster,
            AssetKind::SqlWarehouse => Self::Warehouse,
            AssetKind::Notebook => Self::Notebook,
            AssetKind::Folder => Self::Folder,
            AssetKind::File => Self::File,
            AssetKind::Dashboard => Self::Dashboard,
        }
    }

    fn material(self) -> MaterialIcon {
        match self {
            Self::Shield => icons::ICON_SHIELD,
            Self::Failover => icons::ICON_SWAP_HORIZ,
            Self::Workspace => icons::ICON_WORKSPACES,
            Self::Region => icons::ICON_PUBLIC,
            Self::History => icons::ICON_HISTORY,
            Self::Settings => icons::ICON_SETTINGS,
            Self::Search => icons::ICON_SEARCH,
            Self::Add => icons::ICON_ADD,
            Self::Check => icons::ICON_CHECK,
            Self::Good => icons::ICON_CHECK_CIRCLE,
            Self::Bad => icons::ICON_ERROR,
            Self::Warn => icons::ICON_WARNING,
            Self::Close => icons::ICON_CLOSE,
            Self::Copy => icons::ICON_CONTENT_COPY,
            Self::Right => icons::ICON_CHEVRON_RIGHT,
            Self::Down => icons::ICON_EXPAND_MORE,
            Self::Up => icons::ICON_EXPAND_LESS,
            Self::Arrow => icons::ICON_ARROW_FORWARD,
            Self::Busy => icons::ICON_PROGRESS_ACTIVITY,
            Self::Sync => icons::ICON_SYNC,
            Self::Delete => icons::ICON_DELETE,
            Self::Play => icons::ICON_PLAY_ARROW,
            Self::Pause => icons::ICON_PAUSE,
            Self::Retry => icons::ICON_REPLAY,
            Self::Refresh => icons::ICON_REFRESH,
            Self::Block => icons::ICON_BLOCK,
            Self::Unknown => icons::ICON_HELP,
            Self::Info => icons::ICON_INFO,
            Self::Clock => icons::ICON_SCHEDULE,
            Self::Power => icons::ICON_POWER_SETTINGS_NEW,
            Self::Keyboard => icons::ICON_KEYBOARD,
            Self::Catalog => icons::ICON_DATABASE,
            Self::Schema => icons::ICON_SCHEMA,
            Self::Table => icons::ICON_TABLE,
            Self::View => icons::ICON_TABLE_VIEW,
            Self::Circle => icons::ICON_RADIO_BUTTON_UNCHECKED,
            Self::Archive => icons::ICON_INVENTORY_2,
            Self::Undo => icons::ICON_UNDO,
            Self::Offline => icons::ICON_CLOUD_OFF,
            Self::Folder => icons::ICON_FOLDER,
            Self::Light => icons::ICON_LIGHT_MODE,
            Self::Dark => icons::ICON_DARK_MODE,
            Self::System => icons::ICON_DESKTOP_WINDOWS,
            Self::Density => icons::ICON_DENSITY_MEDIUM,
            Self::Lagging => icons::ICON_TIMELAPSE,
            Self::Drift => icons::ICON_CALL_SPLIT,
            Self::Missing => icons::ICON_DO_NOT_DISTURB_ON,
            Self::Swap => icons::ICON_SWAP_VERT,
            Self::Key => icons::ICON_VPN_KEY,
            Self::Link => icons::ICON_LINK,
            Self::Edit => icons::ICON_EDIT,
            Self::Export => icons::ICON_DOWNLOAD,
            Self::Target => icons::ICON_FLAG,
            Self::Volume => icons::ICON_HARD_DRIVE,
            Self::Function => icons::ICON_FUNCTIONS,
            Self::Grant => icons::ICON_LOCK_PERSON,
            Self::Job => icons::ICON_EVENT_REPEAT,
            Self::Cluster => icons::ICON_MEMORY,
            Self::Warehouse => icons::ICON_DNS,
            Self::Notebook => icons::ICON_MENU_BOOK,
            Self::File => icons::ICON_DRAFT,
            Self::Dashboard => icons::ICON_BAR_CHART,
        }
    }

    /// The font that holds the icons, at `size`.
    pub fn font(size: f32) -> FontId {
        FontId::new(size, FontFamily::Name(egui_material_icons::FONT_FAMILY.into()))
    }

    /// The character that stands for the icon in that font.
    pub fn glyph(self) -> &'static str {
        self.material().codepoint
    }

    /// Paints the icon around `center`. Painted, not laid out: a screen reader has the word beside it.
    pub fn paint(self, painter: &Painter, center: Pos2, size: f32, color: Color32) {
        painter.text(center, Align2::CENTER_CENTER, self.glyph(), Self::font(size), color);
    }
}
