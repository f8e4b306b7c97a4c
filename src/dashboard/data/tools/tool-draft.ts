import { isObject } from '../../../core/json-object.ts';
import { err, ok, type Result } from '../../../core/result.ts';
import type { ToolDocument } from '../../../management/tool.route.ts';
import { parseMoney } from '../../../protocol/amount.ts';
import type { FieldFault } from '../../../protocol/fault.ts';

/** A tool as a person types it. */
export type ToolDraft = {
  readonly id: string;
  readonly description: string;
  /** Dollars, `0.02`, or atomic units, `20000u`. */
  readonly price: string;
  /** The price is the most that a call costs. */
  readonly isMaximum: boolean;
  /** The other members of a maximum price, such as its meter: JSON, or nothing. */
  readonly priceTerms: string;
  readonly settlement: ToolDocument['settlement'];
  readonly method: string;
  readonly path: string;
  /** A URL or a path; another kind of upstream as JSON. */
  readonly upstream: string;
  /** JSON, or nothing. */
  readonly params: string;
  readonly inputSchema: string;
  /** Every other field, as one JSON object. */
  readonly others: string;
};

/** Fields of a tool that have a control of their own. */
const OWN = [
  'id',
  'description',
  'price',
  'settlement',
  'method',
  'path',
  'upstream',
  'params',
  'inputSchema',
] as const satisfies readonly (keyof ToolDraft)[];

/** The control that shows the fault of a field: `inputSchema.properties.a` belongs to `inputSchema`. */
export const controlOf = (field: string): keyof ToolDraft => {
  const [first = '', second] = field.replace(/^body\.?/, '').split(/[.[]/);
  if (first === 'priceTerms' || (first === 'price' && second !== undefined && second !== 'max')) {
    return 'priceTerms';
  }
  return OWN.find((name) => name === first) ?? 'others';
};

export const NEW_TOOL: ToolDraft = {
  ...{ id: '', description: '', price: '0.01', isMaximum: false, priceTerms: '' },
  settlement: 'deferred',
  ...{ method: 'GET', path: '/tools/', upstream: '', params: '', inputSchema: '', others: '' },
};

const jsonText = (value: unknown): string =>
  value === undefined ? '' : JSON.stringify(value, undefined, 2);

const priceDraftOf = (
  price: ToolDocument['price'],
): Pick<ToolDraft, 'price' | 'isMaximum' | 'priceTerms'> => {
  if (typeof price === 'string') return { price: bare(price), isMaximum: false, priceTerms: '' };
  const { max, ...terms } = price;
  const priceTerms = Object.keys(terms).length === 0 ? '' : jsonText(terms);
  return { price: bare(max), isMaximum: true, priceTerms };
};

const bare = (money: string): string => money.replace(/^\$/, '');

/** A stored tool as a person edits it. Fields without a control are JSON in `others`. */
export const toolDraftOf = (tool: ToolDocument): ToolDraft => {
  const { price, upstream } = tool;
  const others = Object.entries(tool).filter(([name]) => !OWN.some((own) => own === name));
  return {
    id: tool.id,
    description: tool.description,
    ...priceDraftOf(price),
    settlement: tool.settlement,
    method: tool.method,
    path: tool.path,
    upstream: typeof upstream === 'string' ? upstream : jsonText(upstream),
    params: jsonText(tool.params),
    inputSchema: jsonText(tool.inputSchema),
    others: others.length === 0 ? '' : jsonText(Object.fromEntries(others)),
  };
};

const moneyOf = (typed: string): string =>
  /^[0-9.]+$/.test(typed.trim()) ? `$${typed.trim()}` : typed.trim();

/**
 * Reads a draft as a tool. The gateway's own parser checks the rest.
 *
 * @returns the fields whose text is not JSON
 */
export const toolOf = (draft: ToolDraft): Result<ToolDocument, readonly FieldFault[]> => {
  const faults: FieldFault[] = [];
  const read = (field: keyof ToolDraft, isWanted: (value: unknown) => boolean): unknown => {
    const text = String(draft[field]).trim();
    if (text === '') return undefined;
    try {
      const value: unknown = JSON.parse(text);
      if (isWanted(value)) return value;
      faults.push({ field, reason: 'must be a JSON object' });
    } catch (thrown) {
      const why = thrown instanceof Error ? thrown.message.slice(0, 120) : '';
      faults.push({ field, reason: `is not valid JSON: ${why}` });
    }
    return undefined;
  };
  const price = moneyOf(draft.price);
  if (parseMoney(price) === undefined) {
    faults.push({
      field: 'price',
      reason: 'must be an amount in dollars, at most six decimals: 0.02',
    });
  }
  const isStructured = draft.upstream.trim().startsWith('{');
  const [priceTerms, params, inputSchema, others, upstream] = [
    draft.isMaximum ? read('priceTerms', isObject) : undefined,
    read('params', isObject),
    read('inputSchema', isObject),
    read('others', isObject),
    isStructured ? read('upstream', isObject) : draft.upstream.trim(),
  ];
  const own = isObject(others) ? OWN.find((name) => Object.hasOwn(others, name)) : undefined;
  if (own !== undefined)
    faults.push({ field: 'others', reason: `must leave out ${own}, which has a field above` });
  if (faults.length > 0) return err(faults);
  return ok({
    id: draft.id.trim(),
    method: draft.method,
    path: draft.path.trim(),
    description: draft.description.trim(),
    price: draft.isMaximum ? { ...(isObject(priceTerms) ? priceTerms : {}), max: price } : price,
    settlement: draft.settlement,
    upstream: upstream as ToolDocument['upstream'],
    ...(params === undefined ? {} : { params }),
    ...(inputSchema === undefined ? {} : { inputSchema }),
    ...(isObject(others) ? others : {}),
  } as ToolDocument);
};
