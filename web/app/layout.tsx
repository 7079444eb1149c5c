import "@/styles/globals.css";
import type { Metadata, Viewport } from "next";
import { cookies } from "next/headers";
import type { ReactNode } from "react";
import { Frame, HealthStrip } from "@/components/frame";
import { PlatformProvider } from "@/components/platform";
import { parseTheme, parseZone, THEME_COOKIE, ZONE_COOKIE } from "@/lib/preferences";
import { serverHealth, serverNowMs } from "@/lib/server-answers";

export const metadata: Metadata = {
  title: { default: "CryptoViz", template: "%s · CryptoViz" },
  description: "Cryptocurrency markets with the provenance of every number.",
};

export const viewport: Viewport = {
  width: "device-width",
  initialScale: 1,
  colorScheme: "light dark",
};

export default async function Layout({ children }: { children: ReactNode }) {
  const [chosen, health] = await Promise.all([cookies(), serverHealth()]);
  const preferences = {
    theme: parseTheme(chosen.get(THEME_COOKIE)?.value),
    zone: parseZone(chosen.get(ZONE_COOKIE)?.value),
  };
  return (
    <html lang="en" data-theme={preferences.theme}>
      <body>
        <PlatformProvider health={health} preferences={preferences} serverNowMs={serverNowMs()}>
          <Frame />
          <HealthStrip />
          <main className="mx-auto max-w-[1600px] px-3 py-4 sm:px-6 sm:py-5">{children}</main>
        </PlatformProvider>
      </body>
    </html>
  );
}
