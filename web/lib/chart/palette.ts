/** The tokens as the chart's canvas takes them: rgba() of what the page's theme resolves to. */

export interface Palette {
  surface: string;
  ink: string;
  ink3: string;
  line: string;
  lineStrong: string;
  accent: string;
  gap: string;
  series1: string;
  series2: string;
  series3: string;
  series4: string;
  up: string;
  down: string;
  upPale: string;
  downPale: string;
  upVolume: string;
  downVolume: string;
  upVolumePale: string;
  downVolumePale: string;
}

type Rgb = readonly [number, number, number];

function readToken(probe: HTMLElement, canvas: CanvasRenderingContext2D, token: string): Rgb {
  probe.style.color = `var(--${token})`;
  canvas.fillStyle = getComputedStyle(probe).color;
  canvas.fillRect(0, 0, 1, 1);
  const [red = 0, green = 0, blue = 0] = canvas.getImageData(0, 0, 1, 1).data;
  return [red, green, blue];
}

function rgba([red, green, blue]: Rgb, alpha = 1): string {
  return `rgba(${red}, ${green}, ${blue}, ${alpha})`;
}

export function readPalette(): Palette {
  const probe = document.createElement("span");
  document.body.append(probe);
  const surface = document.createElement("canvas");
  surface.width = surface.height = 1;
  const canvas = surface.getContext("2d", { willReadFrequently: true });
  if (!canvas) throw new Error("This browser has no 2D canvas");
  const read = (token: string): Rgb => readToken(probe, canvas, token);
  const up = read("up");
  const down = read("down");
  const palette: Palette = {
    surface: rgba(read("surface-1")),
    ink: rgba(read("ink")),
    ink3: rgba(read("ink-3")),
    line: rgba(read("line"), 0.55),
    lineStrong: rgba(read("line-strong")),
    accent: rgba(read("accent")),
    gap: rgba(read("gap"), 0.6),
    series1: rgba(read("series-1")),
    series2: rgba(read("series-2")),
    series3: rgba(read("series-3")),
    series4: rgba(read("series-4")),
    up: rgba(up),
    down: rgba(down),
    upPale: rgba(up, 0.28),
    downPale: rgba(down, 0.28),
    upVolume: rgba(up, 0.4),
    downVolume: rgba(down, 0.4),
    upVolumePale: rgba(up, 0.18),
    downVolumePale: rgba(down, 0.18),
  };
  probe.remove();
  return palette;
}

/** Calls back when the theme changes, by the toggle or by the system. */
export function onThemeChange(listener: () => void): () => void {
  const toggled = new MutationObserver(listener);
  toggled.observe(document.documentElement, { attributeFilter: ["data-theme"] });
  const system = window.matchMedia("(prefers-color-scheme: dark)");
  system.addEventListener("change", listener);
  return () => {
    toggled.disconnect();
    system.removeEventListener("change", listener);
  };
}
