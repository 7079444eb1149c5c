"use client";

export default function ErrorPage({ reset }: { error: Error; reset: () => void }) {
  return (
    <div className="panel mx-auto mt-16 max-w-md p-8" role="alert">
      <h1 className="mb-2 text-[20px] leading-7 font-semibold">This page could not be drawn</h1>
      <p className="mb-5 text-ink-2">
        The fault is in the viewer, not in the numbers. The platform goes on collecting;
        ./cryptoviz logs web has the details.
      </p>
      <button type="button" className="field font-medium" onClick={reset}>
        Draw it again
      </button>
    </div>
  );
}
