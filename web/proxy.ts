/**
 * Puts the Content-Security-Policy on every page.
 *
 * Scripts run only with this answer's nonce (Next reads it from the request's header and puts it
 * on its own scripts). Styles come from our files only; style attributes are allowed because
 * lightweight-charts sizes its canvases with them and Next's error page uses them.
 */
import { type NextRequest, NextResponse } from "next/server";

export function contentSecurityPolicy(nonce: string, isDevelopment: boolean): string {
  const scripts = ["'self'", `'nonce-${nonce}'`, "'strict-dynamic'"];
  const styles = ["'self'"];
  if (isDevelopment) {
    scripts.push("'unsafe-eval'");
    styles.push("'unsafe-inline'");
  }
  return [
    "default-src 'self'",
    `script-src ${scripts.join(" ")}`,
    `style-src ${styles.join(" ")}`,
    "style-src-attr 'unsafe-inline'",
    "img-src 'self' data:",
    "font-src 'self'",
    `connect-src 'self'${isDevelopment ? " ws:" : ""}`,
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ].join("; ");
}

export function proxy(request: NextRequest): NextResponse {
  const nonce = btoa(crypto.randomUUID());
  const policy = contentSecurityPolicy(nonce, process.env.NODE_ENV === "development");
  const headers = new Headers(request.headers);
  headers.set("Content-Security-Policy", policy);
  const response = NextResponse.next({ request: { headers } });
  response.headers.set("Content-Security-Policy", policy);
  return response;
}

export const config = {
  matcher: [{ source: "/((?!api/|_next/static|icon.svg).*)" }],
};
