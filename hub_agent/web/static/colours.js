// Colours as a browser's colour field has them.
const hex = (rgb) => `#${rgb.slice(0, 3).map((part) => Math.max(0, Math.min(255, Math.round(part))).toString(16).padStart(2, '0')).join('')}`;

function ofHue([hue, saturation]) {
  return [5, 3, 1].map((at) => {
    const k = (at + hue / 60) % 6;
    return 255 * (1 - (saturation / 100) * Math.max(0, Math.min(k, 4 - k, 1)));
  });
}

// Of a light's attributes.
export function colourOf({ rgb_color: rgb, hs_color: hs }) {
  return hex(rgb ?? (hs ? ofHue(hs) : [255, 255, 255]));
}
