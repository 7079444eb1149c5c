/**
 * The only formatter. Numbers are USD, base quantities or percent as the caller says; moments are
 * RFC 3339 strings or milliseconds UTC. What is missing becomes an en dash, never 0.
 */
export const MISSING = "–";
const MINUS = "−";

type Maybe = number | null | undefined;

function isMissing(amount: Maybe): amount is null | undefined {
  return amount === null || amount === undefined || !Number.isFinite(amount);
}

const FIXED = new Map<number, Intl.NumberFormat>();

function fixed(amount: number, decimals: number): string {
  let format = FIXED.get(decimals);
  if (!format) {
    format = new Intl.NumberFormat("en-US", {
      minimumFractionDigits: decimals,
      maximumFractionDigits: decimals,
    });
    FIXED.set(decimals, format);
  }
  return format.format(amount).replace("-", MINUS);
}

/** Decimals that show a price of this size: 27,345.12 and 1.0421 and 0.00001234. */
export function priceDecimals(price: number): number {
  const size = Math.abs(price);
  if (size >= 100 || size === 0) return 2;
  if (size >= 10) return 3;
  if (size >= 1) return 4;
  const leadingZeros = -Math.floor(Math.log10(size)) - 1;
  return Math.min(leadingZeros + 4, 16);
}

/** A price with significant digits by its size, or with `decimals` where a column shares them. */
export function formatPrice(price: Maybe, decimals?: number): string {
  if (isMissing(price)) return MISSING;
  return fixed(price, decimals ?? priceDecimals(price));
}

/** A price in two pieces, so that a column can stand on its decimal points. */
export function priceParts(price: number): { whole: string; fraction: string } {
  const text = formatPrice(price);
  const point = text.indexOf(".");
  return point < 0 ? { whole: text, fraction: "" } : { whole: text.slice(0, point), fraction: text.slice(point) };
}

const STEPS = [
  [1e12, "T"],
  [1e9, "B"],
  [1e6, "M"],
  [1e3, "K"],
] as const;

/** A large sum with three digits and its unit apart: 1.23 T, 45.6 B, 789 M. */
export function compactParts(sum: Maybe): { digits: string; unit: string } {
  if (isMissing(sum)) return { digits: MISSING, unit: "" };
  const size = Math.abs(sum);
  // 999,995 rounds to 1.00 M, so a step begins where three digits round up to it.
  const step = STEPS.find(([from]) => size >= from * 0.9995);
  const scaled = step ? sum / step[0] : sum;
  const scaledSize = Math.abs(scaled);
  if (!step && scaledSize > 0 && scaledSize < 1) return { digits: formatPrice(scaled), unit: "" };
  const decimals = scaledSize >= 99.95 ? 0 : scaledSize >= 9.995 ? 1 : 2;
  return { digits: fixed(scaled, decimals), unit: step ? step[1] : "" };
}

export function formatCompact(sum: Maybe): string {
  const { digits, unit } = compactParts(sum);
  return unit ? `${digits} ${unit}` : digits;
}

/** Percent with sign and two digits; what rounds to nothing has no sign. */
export function formatPercent(percent: Maybe): string {
  if (isMissing(percent)) return MISSING;
  const digits = fixed(Math.abs(percent), 2);
  if (Number(digits.replaceAll(",", "")) === 0) return `${digits} %`;
  return `${percent > 0 ? "+" : MINUS}${digits} %`;
}

/** A plain number with so many decimals. */
export function formatNumber(amount: Maybe, decimals: number): string {
  return isMissing(amount) ? MISSING : fixed(amount, decimals);
}

/** A share of 1 as percent; rounded down, so that what is not whole never reads as 100 %. */
export function formatShare(share: Maybe): string {
  return isMissing(share) ? MISSING : `${fixed(Math.floor(share * 10_000) / 100, 2)} %`;
}

export function formatCount(count: Maybe): string {
  return isMissing(count) ? MISSING : fixed(count, 0);
}

/** How long ago in one unit: 0 s, 59 s, 12 min, 3 h, 4 d. */
export function formatAge(ageMs: Maybe): string {
  if (isMissing(ageMs)) return MISSING;
  const seconds = Math.max(0, Math.floor(ageMs / 1000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.floor(seconds / 3600)} h`;
  return `${fixed(Math.floor(seconds / 86_400), 0)} d`;
}

/** How long something lasted, rounded, at least a second: 40 s, 42 min, 3 h. */
export function formatSpan(spanMs: number): string {
  if (spanMs < 60_000) return `${Math.max(1, Math.round(spanMs / 1000))} s`;
  const minutes = Math.round(spanMs / 60_000);
  return minutes < 120 ? `${minutes} min` : `${Math.round(minutes / 60)} h`;
}

/** "UTC" or an IANA name, as the reader chose. */
export type Zone = string;
export type TimeStyle = "time" | "minute" | "date" | "dateTime" | "dateMinute";

const ZONED = new Map<Zone, Intl.DateTimeFormat>();

function zonedParts(ms: number, zone: Zone): Record<string, string> {
  let format = ZONED.get(zone);
  if (!format) {
    format = new Intl.DateTimeFormat("en-GB", {
      timeZone: zone,
      hourCycle: "h23",
      year: "numeric",
      month: "2-digit",
      day: "2-digit",
      hour: "2-digit",
      minute: "2-digit",
      second: "2-digit",
    });
    ZONED.set(zone, format);
  }
  return Object.fromEntries(format.formatToParts(ms).map(({ type, value }) => [type, value]));
}

/** Milliseconds UTC of an RFC 3339 moment; null when missing or not a moment. */
export function toMs(moment: string | number | null | undefined): number | null {
  if (moment === null || moment === undefined) return null;
  const ms = typeof moment === "number" ? moment : Date.parse(moment);
  return Number.isFinite(ms) ? ms : null;
}

export function formatTime(
  moment: string | number | null | undefined,
  zone: Zone,
  style: TimeStyle,
): string {
  const ms = toMs(moment);
  if (ms === null) return MISSING;
  const part = zonedParts(ms, zone);
  const date = `${part.year}-${part.month}-${part.day}`;
  const minute = `${part.hour}:${part.minute}`;
  const styles: Record<TimeStyle, string> = {
    time: `${minute}:${part.second}`,
    minute,
    date,
    dateTime: `${date} ${minute}:${part.second}`,
    dateMinute: `${date} ${minute}`,
  };
  return styles[style];
}

export function zoneLabel(zone: Zone): string {
  return zone === "UTC" ? "UTC" : (zone.split("/").at(-1) ?? zone).replaceAll("_", " ");
}

const SOURCES: Record<string, string> = {
  binance: "Binance",
  coingecko: "CoinGecko",
  coinmarketcap: "CoinMarketCap",
};

/** A source's own spelling; one that we do not know stays as the API wrote it. */
export function formatSource(source: string | null): string {
  return source === null ? MISSING : (SOURCES[source] ?? source);
}

/** How fast a replay runs: 60×. */
export function formatSpeed(speed: number): string {
  return `${fixed(speed, Number.isInteger(speed) ? 0 : 1)}×`;
}

/** A market as a person reads it: Binance BTCUSDC. */
export function formatMarket(market: { source: string; symbol: string }): string {
  return `${formatSource(market.source)} ${market.symbol}`;
}
