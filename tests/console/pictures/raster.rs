//! Draws egui's triangles on the CPU, so that a picture needs neither display nor GPU.

use eframe::egui::{self, Color32, ImageData, TextureId, TexturesDelta, epaint};
use egui_kittest::TestRenderer;
use image::RgbaImage;
use std::collections::HashMap;

/// Textures as they were uploaded.
#[derive(Default)]
pub struct CpuRenderer {
    textures: HashMap<TextureId, (usize, Vec<Color32>)>,
}

impl TestRenderer for CpuRenderer {
    fn handle_delta(&mut self, delta: &mut TexturesDelta) {
        for (id, patches) in delta.set.drain() {
            for patch in patches {
                let ImageData::Color(image) = &patch.image;
                let [width, height] = image.size;
                match patch.pos {
                    None => {
                        self.textures.insert(id, (width, image.pixels.clone()));
                    }
                    Some([left, top]) => {
                        let Some((stride, pixels)) = self.textures.get_mut(&id) else { continue };
                        for row in 0..height {
                            let at = (top + row) * *stride + left;
                            pixels[at..at + width].copy_from_slice(&image.pixels[row * width..(row + 1) * width]);
                        }
                    }
                }
            }
        }
        for id in delta.free.drain() {
            self.textures.remove(&id);
        }
    }

    fn render(&mut self, ctx: &egui::Context, output: &egui::FullOutput) -> Result<RgbaImage, String> {
        let scale = ctx.pixels_per_point();
        let size = ctx.content_rect().size() * scale;
        let (width, height) = (size.x.round() as usize, size.y.round() as usize);
        let mut target = vec![[0.0f32, 0.0, 0.0]; width * height];
        for primitive in ctx.tessellate(output.shapes.clone(), scale) {
            let epaint::Primitive::Mesh(mesh) = &primitive.primitive else { continue };
            let (stride, pixels) = self.textures.get(&mesh.texture_id).ok_or("a mesh without its texture")?;
            let clip = primitive.clip_rect * scale;
            let clip = [
                clip.min.x.round().max(0.0) as i32,
                clip.min.y.round().max(0.0) as i32,
                (clip.max.x.round() as i32).min(width as i32),
                (clip.max.y.round() as i32).min(height as i32),
            ];
            for corner in mesh.indices.chunks_exact(3) {
                let triangle = [0, 1, 2].map(|i| mesh.vertices[corner[i] as usize]);
                fill(&mut target, width, clip, triangle, scale, *stride, pixels);
            }
        }
        let mut image = RgbaImage::new(width as u32, height as u32);
        for (pixel, color) in image.pixels_mut().zip(target) {
            let byte = |value: f32| (value * 255.0).round().clamp(0.0, 255.0) as u8;
            *pixel = image::Rgba([byte(color[0]), byte(color[1]), byte(color[2]), 255]);
        }
        Ok(image)
    }
}

fn fill(
    target: &mut [[f32; 3]],
    width: usize,
    clip: [i32; 4],
    triangle: [epaint::Vertex; 3],
    scale: f32,
    stride: usize,
    pixels: &[Color32],
) {
    let [a, b, c] = triangle.map(|vertex| (vertex.pos.x * scale, vertex.pos.y * scale));
    let edge = |p: (f32, f32), q: (f32, f32), at: (f32, f32)| (q.0 - p.0) * (at.1 - p.1) - (q.1 - p.1) * (at.0 - p.0);
    let area = edge(a, b, c);
    if area == 0.0 {
        return;
    }
    let low = |x: f32, y: f32, z: f32| x.min(y).min(z).floor() as i32;
    let high = |x: f32, y: f32, z: f32| x.max(y).max(z).ceil() as i32;
    let (left, right) = (low(a.0, b.0, c.0).max(clip[0]), high(a.0, b.0, c.0).min(clip[2]));
    let (top, bottom) = (low(a.1, b.1, c.1).max(clip[1]), high(a.1, b.1, c.1).min(clip[3]));
    // A pixel on an edge that two triangles share belongs to one of them.
    let owns = |p: (f32, f32), q: (f32, f32)| {
        let (dx, dy) = ((q.0 - p.0) * area.signum(), (q.1 - p.1) * area.signum());
        dy < 0.0 || (dy == 0.0 && dx > 0.0)
    };
    let owned = [owns(b, c), owns(c, a), owns(a, b)];
    let height = pixels.len() / stride;
    let [first, ..] = triangle;
    if triangle.iter().all(|vertex| vertex.color == first.color && vertex.uv == first.uv) {
        // One colour all over, as most of a window is: no need to look at each pixel's place in the texture.
        let texel = sample(pixels, stride, height, first.uv.x * stride as f32, first.uv.y * height as f32);
        let color = first.color.to_array().map(|channel| f32::from(channel) / 255.0);
        let ink: [f32; 4] = std::array::from_fn(|i| color[i] * texel[i]);
        let keep = 1.0 - ink[3];
        // Weights change by the same step from pixel to pixel.
        let step = [-(c.1 - b.1) / area, -(a.1 - c.1) / area, -(b.1 - a.1) / area];
        for y in top..bottom {
            let at = (left as f32 + 0.5, y as f32 + 0.5);
            let start = [edge(b, c, at) / area, edge(c, a, at) / area, edge(a, b, at) / area];
            let row = y as usize * width;
            let mut entered = false;
            for column in left..right {
                let x = (column - left) as f32;
                let w0 = start[0] + step[0] * x;
                let w1 = start[1] + step[1] * x;
                let w2 = start[2] + step[2] * x;
                let out = w0 < 0.0 || w1 < 0.0 || w2 < 0.0;
                let edged = (w0 == 0.0 && !owned[0]) || (w1 == 0.0 && !owned[1]) || (w2 == 0.0 && !owned[2]);
                if !out && !edged {
                    entered = true;
                    let pixel = &mut target[row + column as usize];
                    pixel[0] = ink[0] + pixel[0] * keep;
                    pixel[1] = ink[1] + pixel[1] * keep;
                    pixel[2] = ink[2] + pixel[2] * keep;
                } else if entered && out {
                    break;
                }
            }
        }
        return;
    }
    let colors = triangle.map(|vertex| vertex.color.to_array().map(|channel| f32::from(channel) / 255.0));
    let [ua, ub, uc] = triangle.map(|vertex| vertex.uv.x * stride as f32);
    let [va, vb, vc] = triangle.map(|vertex| vertex.uv.y * height as f32);
    for y in top..bottom {
        for x in left..right {
            let at = (x as f32 + 0.5, y as f32 + 0.5);
            let (wa, wb, wc) = (edge(b, c, at) / area, edge(c, a, at) / area, edge(a, b, at) / area);
            if wa < 0.0 || wb < 0.0 || wc < 0.0 {
                continue;
            }
            if (wa == 0.0 && !owned[0]) || (wb == 0.0 && !owned[1]) || (wc == 0.0 && !owned[2]) {
                continue;
            }
            let texel = sample(pixels, stride, height, ua * wa + ub * wb + uc * wc, va * wa + vb * wb + vc * wc);
            let ink = |i: usize| (colors[0][i] * wa + colors[1][i] * wb + colors[2][i] * wc) * texel[i];
            let keep = 1.0 - ink(3);
            let pixel = &mut target[y as usize * width + x as usize];
            pixel[0] = ink(0) + pixel[0] * keep;
            pixel[1] = ink(1) + pixel[1] * keep;
            pixel[2] = ink(2) + pixel[2] * keep;
        }
    }
}

/// Bilinear, clamped to the edge.
fn sample(pixels: &[Color32], width: usize, height: usize, u: f32, v: f32) -> [f32; 4] {
    let (x, y) = (u - 0.5, v - 0.5);
    let (fx, fy) = (x - x.floor(), y - y.floor());
    let clamp = |value: f32, size: usize| (value.max(0.0) as usize).min(size - 1);
    let (x0, x1) = (clamp(x.floor(), width), clamp(x.floor() + 1.0, width));
    let (y0, y1) = (clamp(y.floor(), height), clamp(y.floor() + 1.0, height));
    let (a, b) = (pixels[y0 * width + x0].to_array(), pixels[y0 * width + x1].to_array());
    let (c, d) = (pixels[y1 * width + x0].to_array(), pixels[y1 * width + x1].to_array());
    if a == b && b == c && c == d {
        return a.map(|channel| f32::from(channel) / 255.0);
    }
    std::array::from_fn(|i| {
        let upper = f32::from(a[i]) * (1.0 - fx) + f32::from(b[i]) * fx;
        let lower = f32::from(c[i]) * (1.0 - fx) + f32::from(d[i]) * fx;
        (upper * (1.0 - fy) + lower * fy) / 255.0
    })
}
