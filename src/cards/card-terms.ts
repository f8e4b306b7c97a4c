import * as z from 'zod/mini';
import type { Tool } from '../catalog/tool.ts';
import { templateOf } from '../catalog/upstream.ts';
import { err, ok, type Result } from '../core/result.ts';
import { type FieldFault, faultsOf } from '../protocol/fault.ts';
import { fieldName, pointer, secretName } from '../vault/placement.ts';

/** The parts of a card that a merchant's request carries. `exp_year` has four digits. */
const CARD_PARTS = ['number', 'cvc', 'exp_month', 'exp_year'] as const;
export type CardPart = (typeof CARD_PARTS)[number];

const part = z.enum(CARD_PARTS, `must be one of ${CARD_PARTS.join(', ')}`);
const jsonPlace = z.strictObject({ in: z.literal('json'), pointer, part });
const formPlace = z.strictObject({ in: z.literal('form'), name: fieldName, part });

const MAX_PLACES = 6;
const MAX_ANSWER = 16;
const PLACES = `must hold 1 to ${MAX_PLACES} places`;
const ANSWER = `must hold at most ${MAX_ANSWER} JSON pointers, each once`;

/** Members of the answer that the caller may see. A pointer through `__proto__` would change the object that it builds (CWE-1321). */
const answer = z
  .array(
    pointer.check(z.refine((text) => !text.includes('__proto__'), 'must not name __proto__')),
    ANSWER,
  )
  .check(
    z.maxLength(MAX_ANSWER, ANSWER),
    z.refine((all) => new Set(all).size === all.length, ANSWER),
  );

const CATEGORY = 'must be a merchant category of the issuer, like "book_stores"';
const COUNTRY = 'must be an ISO 3166 country of two letters, like "US"';

/** `cardholder`: the issuer's id of the person or company that the cards belong to. */
const issuing = z.strictObject({
  way: z.literal('issuing'),
  issuer: z.literal('stripe', 'must be stripe'),
  key: secretName,
  cardholder: z
    .string('must be an id of a cardholder, like "ich_1Abc"')
    .check(z.regex(/^ich_[A-Za-z0-9]{1,64}$/, 'must be an id of a cardholder, like "ich_1Abc"')),
  categories: z.optional(
    z
      .array(z.string(CATEGORY).check(z.regex(/^[a-z0-9_]{1,64}$/, CATEGORY)))
      .check(z.minLength(1), z.maxLength(32)),
  ),
  countries: z.optional(
    z
      .array(z.string(COUNTRY).check(z.regex(/^[A-Z]{2}$/, COUNTRY)))
      .check(z.minLength(1), z.maxLength(32)),
  ),
  places: z
    .array(z.discriminatedUnion('in', [jsonPlace, formPlace], 'must be json or form'), PLACES)
    .check(z.minLength(1, PLACES), z.maxLength(MAX_PLACES, PLACES)),
  answer,
});

/** `token`: the secret that holds the vault's id of the card. */
const proxied = z.strictObject({
  way: z.literal('vault-proxy'),
  vault: z.literal('basis-theory', 'must be basis-theory'),
  key: secretName,
  token: secretName,
  places: z.array(jsonPlace, PLACES).check(z.minLength(1, PLACES), z.maxLength(MAX_PLACES, PLACES)),
  answer,
});

const card = z.discriminatedUnion(
  'way',
  [issuing, proxied],
  'must have a way: issuing or vault-proxy',
);

/** A one-time card of the operator's issuer for each call. */
export type IssuingCard = z.infer<typeof issuing>;
/** The operator's own card, which the operator's card vault puts into the request. */
export type ProxiedCard = z.infer<typeof proxied>;
/** How a tool pays its merchant: the member `card` of `tools.json`. */
export type Card = IssuingCard | ProxiedCard;

type CardTool = Pick<Tool, 'secrets' | 'upstream' | 'path' | 'method'> & {
  readonly card?: unknown;
};

/** Parses the card of a tool. Its code loads with the first call of such a tool, and when an operator puts one. */
export const parseCard = (tool: CardTool): Result<Card, readonly FieldFault[]> => {
  const parsed = card.safeParse(tool.card);
  if (!parsed.success) {
    return err(
      faultsOf(parsed.error.issues).map(({ field, reason }) => ({
        field: field === '' ? 'card' : `card.${field}`,
        reason,
      })),
    );
  }
  const faults = contradictions(tool, parsed.data);
  return faults.length === 0 ? ok(parsed.data) : err(faults);
};

const contradictions = (tool: CardTool, { way, places }: Card): readonly FieldFault[] => {
  const faults: FieldFault[] = [];
  const fault = (field: string, reason: string) => faults.push({ field, reason });
  // The caller must not choose the merchant: whoever gets the request gets the card.
  if (!isFixedUrl(tool)) {
    fault('upstream', 'must be a URL or a path, without placeholders, for a tool with a card');
  }
  if (tool.path.endsWith('/*')) fault('path', 'may not end in /* for a tool with a card');
  if (!['POST', 'PUT', 'PATCH'].includes(tool.method)) {
    fault('method', 'must be POST, PUT or PATCH for a tool with a card');
  }
  if (!places.some((place) => place.part === 'number')) {
    fault('card.places', 'must place the number');
  }
  if (new Set(places.map((place) => place.in)).size > 1) {
    fault('card.places', 'must be all json or all form: a request has one body');
  }
  // They are bound to the merchant's host, and the card vault would get them.
  if (way === 'vault-proxy' && tool.secrets.length > 0) {
    fault('secrets', 'may not be there with a card vault');
  }
  return faults;
};

const isFixedUrl = ({ upstream }: CardTool): boolean =>
  typeof upstream === 'string' && !templateOf(upstream).includes('{');

/** The names of the secrets that a card needs. All are bound to the host of its issuer or card vault. */
export const cardSecrets = (of: Card): readonly string[] =>
  of.way === 'issuing' ? [of.key] : [of.key, of.token];

/** Cards by tool: a tool of the catalogue does not change. */
const parsedOnce = new WeakMap<object, ReturnType<typeof parseCard>>();

export const cardOf = (tool: CardTool): ReturnType<typeof parseCard> => {
  const known = parsedOnce.get(tool) ?? parseCard(tool);
  parsedOnce.set(tool, known);
  return known;
};
