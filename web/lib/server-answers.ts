/** What several server components of one request ask for, asked once. */
import { cache } from "react";
import { getOnServer } from "./api/get";
import { HEALTH } from "./api/paths";

export const serverHealth = cache(() => getOnServer(HEALTH));

/** Real time of this request, milliseconds UTC. */
export const serverNowMs = cache(() => Date.now());
