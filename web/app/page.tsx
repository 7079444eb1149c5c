import { MarketStrip } from "@/components/market-strip";
import { MarketTable } from "@/components/market-table";
import { getOnServer } from "@/lib/api/get";
import { COINS, GLOBAL } from "@/lib/api/paths";

export const metadata = { title: "Market" };

export default async function MarketPage() {
  const [coins, market] = await Promise.all([getOnServer(COINS), getOnServer(GLOBAL)]);
  return <MarketTable initial={coins} strip={<MarketStrip initial={market} />} />;
}
