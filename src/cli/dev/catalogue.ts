import { TOOLS_DEPTH } from '../../catalog/input-schema.ts';
import { readMeter } from '../../catalog/metered-price.ts';
import { schemaFault } from '../../catalog/schema-fault.ts';
import { parseTools } from '../../catalog/schema.ts';
import type { Tool } from '../../catalog/tool.ts';
import { isRelative } from '../../catalog/upstream.ts';
import { err, ok, type Result } from '../../core/result.ts';
import type { ToolDocument } from '../../management/tool.route.ts';
import type { FieldFault } from '../../protocol/fault.ts';
import { parseStrictJson } from '../../protocol/strict-json.ts';
import type { Catalogue } from './local-stack.ts';

/** A valid `tools.json`: for the stack, and as the gateway reads it. */
export type ReadTools = { readonly catalogue: Catalogue; readonly parsed: readonly Tool[] };

/**
 * Reads the text of `tools.json` as the gateway under `countersign dev` does.
 *
 * @param upstream `UPSTREAM_URL`; empty if it is not set
 * @returns every fault with its field, e.g. `tools[3].price`; the field is empty for the whole file
 */
export const readTools = (
  text: string,
  upstream: string,
): Result<ReadTools, readonly FieldFault[]> => {
  const json = parseStrictJson(text.replace(/^\uFEFF/, ''), TOOLS_DEPTH);
  if (!json.ok) return err([{ field: '', reason: jsonFault(text, json.error) }]);
  const parsed = parseTools(json.value, 'local_stack');
  if (!parsed.ok) return parsed;
  const faults = parsed.value.flatMap((tool, at) => {
    const inSchema = schemaFault(tool.inputSchema);
    const metered = readMeter(tool);
    return [
      ...(metered.ok ? [] : metered.error),
      ...(inSchema === undefined ? [] : [inSchema]),
      ...(isRelative(tool) && upstream === ''
        ? [{ field: 'upstream', reason: 'is a path, and UPSTREAM_URL is not set' }]
        : []),
    ].map(({ field, reason }) => ({ field: `tools[${at}].${field}`, reason }));
  });
  if (faults.length > 0) return err(faults);
  const { tools } = json.value as { readonly tools: readonly ToolDocument[] };
  const sold = tools
    .filter(({ disabled }) => disabled !== true)
    .map(({ id, method, path, settlement, price }) => ({
      ...{ id, method, path, settlement },
      price: typeof price === 'string' ? price : price.max,
    }));
  return ok({ catalogue: { text, tools: sold }, parsed: parsed.value });
};

const jsonFault = (
  text: string,
  fault: { readonly reason: string; readonly key?: string },
): string => {
  if (text.trim() === '') return 'is empty';
  if (fault.key !== undefined)
    return `is not valid JSON: ${fault.reason.replaceAll('_', ' ')} ${JSON.stringify(fault.key)}`;
  const line = lineOfFault(text);
  const where = line === undefined ? fault.reason.replaceAll('_', ' ') : `look at line ${line}`;
  return `is not valid JSON: ${where}`;
};

/** The line at which the parser of the runtime stops; undefined if it accepts the text. */
const lineOfFault = (text: string): number | undefined => {
  try {
    JSON.parse(text);
    return undefined;
  } catch (error) {
    const message = (error as Error).message;
    const [, position] = /at position (\d+)/.exec(message) ?? [];
    const end = position === undefined ? text.length : Number(position);
    return text.slice(0, end).split('\n').length;
  }
};
