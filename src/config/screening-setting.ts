import * as z from 'zod/mini';
import { ok } from '../core/result.ts';
import type { Address } from '../core/hex.ts';
import type { EgressReach } from '../protocol/egress-url.ts';
import { accountSchema, MAX_URLS, readJson, type Setting, urlSchema } from './json-setting.ts';

/** What becomes of a payer while a source does not answer. There is no default: the operator must choose. */
export type OnFailure = 'deny' | 'allow';

/** Whom the gateway screens payers against. */
export type ScreeningSettings = {
  readonly onFailure: OnFailure;
  /** Names of lists. The bucket of the archive has each as `screening/<name>.txt`. */
  readonly lists: readonly string[];
  readonly provider?: { readonly name: string; readonly url: string; readonly timeoutMs: number };
  /** Addresses that the operator itself has cleared, whatever a source says about them. */
  readonly cleared: readonly Address[];
};

const EXAMPLE = '{"onFailure":"deny","lists":["sanctions"]}';
const NAME = 'must be 1 to 32 of a-z, 0-9 and -';
const TIMEOUT = 'must be 100 to 5000 milliseconds';
const MAX_CLEARED = 64;

const name = z.string(NAME).check(z.regex(/^[a-z0-9-]{1,32}$/, NAME));

const schema = (reach: EgressReach) =>
  z
    .strictObject(
      {
        onFailure: z.enum(['deny', 'allow'], 'must be "deny" or "allow"'),
        lists: z.optional(
          z
            .array(name, 'must be an array of names')
            .check(z.maxLength(MAX_URLS, `may name at most ${MAX_URLS} lists`)),
        ),
        provider: z.optional(
          z.strictObject({
            name,
            url: urlSchema(reach),
            timeoutMs: z.optional(
              z.int(TIMEOUT).check(z.minimum(100, TIMEOUT), z.maximum(5_000, TIMEOUT)),
            ),
          }),
        ),
        cleared: z.optional(
          z
            .array(accountSchema, 'must be an array of addresses')
            .check(z.maxLength(MAX_CLEARED, `may name at most ${MAX_CLEARED} addresses`)),
        ),
      },
      `must be an object, e.g. ${EXAMPLE}`,
    )
    .check(
      z.refine(
        ({ lists = [], provider, cleared = [] }) =>
          lists.length > 0 || provider !== undefined || cleared.length > 0,
        'must name a list, a provider or a cleared address',
      ),
    );

const TIMEOUT_MS = 1_500;

/** Reads `SCREENING`, JSON. An empty variable screens nobody. */
export const readScreening = (
  text: string,
  reach: EgressReach,
): Setting<ScreeningSettings | undefined> => {
  if (text.trim() === '') return ok(undefined);
  const read = readJson(text.trim(), schema(reach), EXAMPLE);
  if (!read.ok) return read;
  const { onFailure, lists = [], provider, cleared = [] } = read.value;
  return ok({
    ...{ onFailure, lists: [...new Set(lists)], cleared },
    ...(provider === undefined
      ? {}
      : { provider: { ...provider, timeoutMs: provider.timeoutMs ?? TIMEOUT_MS } }),
  });
};
