/** The places of the viewer, in the order of the header. A new page is one line here. */
export interface Place {
  href: string;
  label: string;
  /** The key after `g` that goes there. */
  key: string;
}

export const PLACES: readonly Place[] = [
  { href: "/", label: "Market", key: "m" },
  { href: "/anomalies", label: "Anomalies", key: "a" },
  { href: "/news", label: "News", key: "n" },
  { href: "/fear-greed", label: "Fear & Greed", key: "f" },
  { href: "/health", label: "Health", key: "h" },
];
