import { HOP_BY_HOP } from '../catalog/forwardable.ts';
import { connectionNamed } from './request-headers.ts';

const DROPPED = new Set([
  // Of the gateway's origin, not the tool's: a tool must not set state or policy for its neighbours.
  'set-cookie',
  'set-cookie2',
  'clear-site-data',
  'strict-transport-security',
  'alt-svc',
  // A redirect that browsers follow on an answer of any status.
  'refresh',
  'service-worker-allowed',
  'public-key-pins',
  'nel',
  'report-to',
  'reporting-endpoints',
  // A challenge the gateway would seem to make, and never answers.
  'www-authenticate',
  'authentication-info',
  // Law 10: any of these can make a cache keep a paid answer, whatever Cache-Control says.
  'expires',
  'pragma',
  'age',
  'surrogate-control',
  'surrogate-key',
  // The runtime decodes, frames and counts anew.
  'content-encoding',
  'content-length',
  'extension-responses',
  // Between tool and gateway only: what a call costs is said in the receipt.
  'settlement-overrides',
]);

const DROPPED_FAMILY =
  /^(?:payment-|x-payment|agent-|x-agent-|ratelimit|access-control-|proxy-|cf-)|cache-control$/;

/** Stored with answers, and clients give up on more than 16 KiB in all (x402 facts 1.1). */
const MAX_HEADERS = 8 * 1024;

/**
 * The headers of a tool's answer that a caller sees (design §4.8), and always `Cache-Control: private, no-store`. What would
 * pass 8 KiB in all is left out.
 */
export const answerHeaders = (headers: Headers): Headers => {
  const named = connectionNamed(headers);
  const kept = new Headers({ 'Cache-Control': 'private, no-store' });
  let length = 0;
  for (const [name, value] of headers) {
    if (DROPPED.has(name) || DROPPED_FAMILY.test(name)) continue;
    if (HOP_BY_HOP.has(name) || named.has(name)) continue;
    const cost = name.length + value.length + 4;
    if (length + cost > MAX_HEADERS) continue;
    length += cost;
    kept.append(name, value);
  }
  return kept;
};
