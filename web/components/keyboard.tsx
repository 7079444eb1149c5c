"use client";
/** The keys that work everywhere, and the sheet that lists them all. */
import { useRouter } from "next/navigation";
import { useEffect, useRef } from "react";
import { PLACES } from "@/config/nav";

/** Elements that a page offers to the keys, by attribute. */
export const SEARCH_ATTRIBUTE = "data-search";
export const ROW_ATTRIBUTE = "data-row";

/** `g` waits this long for its second key. */
const CHORD_MS = 1_500;

const KEYS: readonly (readonly [string, string])[] = [
  ["/ or Ctrl K", "Search"],
  ["j  k", "Next and previous row"],
  ["enter", "Open the row"],
  ...PLACES.map(({ key, label }) => [`g ${key}`, `Go to ${label.toLowerCase()}`] as const),
  ["[  ]", "Shorter and longer interval of the chart"],
  ["i", "Indicators of the chart"],
  ["← →", "Previous and next bar, when the chart has the focus"],
  ["esc", "Leave the search"],
  ["?", "This list"],
];

/** The key is for a field, or for the browser. */
export function isKeyOfOthers(event: KeyboardEvent): boolean {
  const { target } = event;
  const isTyping = target instanceof HTMLElement && target.matches("input, textarea, select, [contenteditable]");
  return isTyping || event.ctrlKey || event.metaKey || event.altKey;
}

function moveRow(step: 1 | -1): void {
  const rows = [...document.querySelectorAll<HTMLElement>(`[${ROW_ATTRIBUTE}]`)];
  const at = rows.findIndex((row) => row === document.activeElement);
  const next = at < 0 ? (step > 0 ? rows[0] : rows.at(-1)) : rows[at + step];
  next?.focus();
  next?.scrollIntoView({ block: "nearest" });
}

export function KeyboardHelp() {
  const router = useRouter();
  const sheet = useRef<HTMLDialogElement>(null);
  const goPressedAt = useRef(0);

  useEffect(() => {
    const search = (): void => {
      const field = document.querySelector<HTMLInputElement>(`[${SEARCH_ATTRIBUTE}]`);
      if (field) field.select();
      else router.push("/?search=");
    };
    const onKey = (event: KeyboardEvent): void => {
      if (event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey)) {
        event.preventDefault();
        search();
        return;
      }
      if (isKeyOfOthers(event)) return;
      if (event.timeStamp - goPressedAt.current < CHORD_MS) {
        goPressedAt.current = 0;
        const place = PLACES.find(({ key }) => key === event.key);
        if (place) {
          router.push(place.href);
          return;
        }
      }
      const actions: Record<string, () => void> = {
        "/": search,
        j: () => moveRow(1),
        k: () => moveRow(-1),
        g: () => {
          goPressedAt.current = event.timeStamp;
        },
        "?": () => sheet.current?.showModal(),
      };
      const action = actions[event.key];
      if (!action) return;
      event.preventDefault();
      action();
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, [router]);

  return (
    <>
      <button
        type="button"
        className="hidden size-7 items-center justify-center text-[13px] text-ink-2 hover:bg-surface-2 hover:text-ink sm:flex"
        title="Keys"
        aria-label="List of keys"
        onClick={() => sheet.current?.showModal()}
      >
        ?
      </button>
      <dialog ref={sheet} className="sheet" aria-label="Keys" onClick={(event) => event.target === sheet.current && sheet.current?.close()}>
        <h2 className="mb-3 text-[15px] font-semibold">Keys</h2>
        <dl className="grid grid-cols-[auto_1fr] gap-x-4 gap-y-2 text-[13px]">
          {KEYS.map(([keys, meaning]) => (
            <div key={keys} className="contents">
              <dt>
                {keys.split(" ").filter(Boolean).map((key) =>
                  key === "or" ? <span key={key} className="label"> or </span> : <kbd key={key} className="kbd mr-1">{key}</kbd>,
                )}
              </dt>
              <dd className="text-ink-2">{meaning}</dd>
            </div>
          ))}
        </dl>
      </dialog>
    </>
  );
}
