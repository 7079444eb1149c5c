import type { NextRequest } from "next/server";
import { passOn } from "@/lib/api/pass-on";

export const dynamic = "force-dynamic";

export async function GET(request: NextRequest, context: RouteContext<"/api/[...path]">) {
  const { path } = await context.params;
  return passOn(path, request.nextUrl.search, request.signal);
}
