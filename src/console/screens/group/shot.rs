//! A picture of the chart, taken of the window as it is drawn.

use eframe::egui::{ColorImage, Rect, Ui};
use std::sync::{Arc, Mutex, PoisonError};

/// Frames after which a window that gives no picture is asked no longer.
const PATIENCE: u32 = 30;

/// A picture that is awaited.
#[derive(Debug, Default)]
pub struct Shot {
    taken: Arc<Mutex<Option<Arc<ColorImage>>>>,
    waited: u32,
}

impl Shot {
    /// Asks for a picture of the next frame.
    pub fn ask(ui: &Ui) -> Self {
        let shot = Self::default();
        let (taken, ctx) = (shot.taken.clone(), ui.ctx().clone());
        ui.ctx().request_screenshot(move |image| {
            *taken.lock().unwrap_or_else(PoisonError::into_inner) = Some(image);
            ctx.request_repaint();
        });
        shot
    }

    /// A PNG of `part`, once there is one; None inside where the window gave none.
    pub fn taken(&mut self, ui: &Ui, part: Rect) -> Option<Option<Vec<u8>>> {
        let image = self.taken.lock().unwrap_or_else(PoisonError::into_inner).take();
        self.waited += 1;
        match image {
            Some(image) => Some(cut(&image, part, ui.ctx().content_rect().width())),
            None if self.waited > PATIENCE => Some(None),
            None => {
                ui.ctx().request_repaint();
                None
            }
        }
    }
}

/// A PNG of `part`, in points, of a window that is `width` points wide.
fn cut(image: &ColorImage, part: Rect, width: f32) -> Option<Vec<u8>> {
    let [across, down] = image.size;
    let scale = across as f32 / width.max(1.0);
    let at = |points: f32, most: usize| ((points * scale).round().max(0.0) as usize).min(most);
    let (left, right) = (at(part.left(), across), at(part.right(), across));
    let (top, bottom) = (at(part.top(), down), at(part.bottom(), down));
    let mut bytes = Vec::with_capacity((right - left) * (bottom - top) * 4);
    for row in top..bottom {
        for pixel in image.pixels.get(row * across + left..row * across + right)? {
            bytes.extend(pixel.to_array());
        }
    }
    let mut file = Vec::new();
    let size = (u32::try_from(right - left).ok()?, u32::try_from(bottom - top).ok()?);
    let mut encoder = png::Encoder::new(&mut file, size.0, size.1);
    encoder.set_color(png::ColorType::Rgba);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header().ok()?;
    writer.write_image_data(&bytes).ok()?;
    writer.finish().ok()?;
    Some(file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use eframe::egui::{Color32, pos2, vec2};

    #[test]
    fn a_part_of_a_window_at_twice_the_scale_is_a_picture_of_twice_its_points() {
        let mut image = ColorImage::filled([200, 100], Color32::BLACK);
        image.pixels[20 * 200 + 40] = Color32::WHITE;
        let png = cut(&image, Rect::from_min_size(pos2(20.0, 10.0), vec2(30.0, 20.0)), 100.0).expect("a picture");
        let mut reader = png::Decoder::new(std::io::Cursor::new(png)).read_info().expect("a PNG");
        let mut pixels = vec![0; reader.output_buffer_size().expect("a size")];
        let info = reader.next_frame(&mut pixels).expect("a frame");
        assert_eq!((info.width, info.height), (60, 40));
        assert_eq!((pixels[0], pixels[4]), (255, 0), "the first pixel is the one at that place");
    }
}
