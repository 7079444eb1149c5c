import Link from "next/link";

export const metadata = { title: "Not found" };

export default function NotFound() {
  return (
    <div className="panel mx-auto mt-16 max-w-md p-8" data-testid="not-found">
      <p className="label mb-1">404</p>
      <h1 className="mb-2 text-[20px] leading-7 font-semibold">Nothing is kept under this address</h1>
      <p className="mb-5 text-ink-2">
        The coin may be called otherwise, or the platform does not collect it.
      </p>
      <Link href="/" className="font-medium text-accent underline underline-offset-4">
        All coins of the market
      </Link>
    </div>
  );
}
