/** Names for the API's shapes. schema.d.ts is made from openapi.json by `npm run api:types`. */
import type { components } from "./schema";

type Schemas = components["schemas"];

export type Meta = Schemas["Meta"];
export type CoinRow = Schemas["CoinRow"];
export type CoinDetail = Schemas["CoinDetail"];
export type CoinMarket = Schemas["CoinMarket"];
export type SourcePrice = Schemas["SourcePrice"];
export type Candle = Schemas["Candle"];
export type CandleMeta = Schemas["CandleMeta"];
export type Analytics = Schemas["Analytics"];
export type AnalyticsMeta = Schemas["AnalyticsMeta"];
export type CrossSection = Schemas["CrossSection"];
export type GlobalMarket = Schemas["GlobalMarketAnswer"];
export type HistoryPoint = Schemas["HistoryPoint"];
export type Gap = Schemas["Gap"];
export type Anomaly = Schemas["AnomalyRow"];
export type AnomalyDetail = Schemas["AnomalyDetail"];
export type AnomalyKind = Anomaly["kind"];
export type Severity = Anomaly["severity"];
export type Evidence = Schemas["Evidence"];
export type NewsRow = Schemas["NewsRow"];
export type MoodLabel = NewsRow["label"];
export type FearGreed = Schemas["FearGreedAnswer"];
export type IndexValue = Schemas["IndexValue"];
export type Health = Schemas["Health"];
export type PartHealth = Schemas["PartHealth"];
export type Pipeline = Schemas["PipelineAnswer"];
export type Job = Schemas["Job"];
export type Stage = Schemas["Stage"];
export type DeadLetters = Schemas["DeadLetters"];
export type SourceHealth = Schemas["Source"];
export type RecordedGap = Schemas["RecordedGap"];
export type QualityRow = Schemas["Quality"];

export interface Envelope<Data, M = Meta> {
  data: Data;
  meta: M;
}

export type Candles = Envelope<Candle[], CandleMeta>;
export type AnalyticsSeries = Envelope<Analytics[], AnalyticsMeta>;
export type History = Envelope<HistoryPoint[]>;

/** Why an answer is missing: RFC 9457, plus how long the API asked us to wait. */
export interface Problem {
  title: string;
  detail: string;
  /** HTTP status; 0 when no answer came at all. */
  status: number;
  retryAfterS: number | null;
}

/** `atMs` is the real time at which it arrived where it was asked for. */
export type Answer<T> =
  | { ok: true; body: T; atMs: number }
  | { ok: false; problem: Problem; atMs: number };
