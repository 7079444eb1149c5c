import { MarketTable } from "@/components/market-table";
import { getOnServer } from "@/lib/api/get";
import { COINS } from "@/lib/api/paths";

export const metadata = { title: "Market" };

export default async function MarketPage() {
  return <MarketTable initial={await getOnServer(COINS)} />;
}
