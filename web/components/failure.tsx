/** Says what failed, since when, what still works and what the reader can do. */
import type { Problem } from "@/lib/api/types";

export function Failure({ what, problem, hint }: { what: string; problem: Problem; hint: string }) {
  return (
    <div className="panel max-w-xl p-6 text-[13px]" role="alert" data-testid="failure">
      <h2 className="mb-1 text-[15px] font-semibold">{what}</h2>
      <p className="text-ink-2">
        {problem.title}
        {problem.status > 0 ? ` (${problem.status})` : ""}. {problem.detail}
      </p>
      <p className="mt-3 text-ink-2">{hint}</p>
    </div>
  );
}
