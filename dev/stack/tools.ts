import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readMeter } from '../../src/catalog/metered-price.ts';
import { parseTools } from '../../src/catalog/schema.ts';
import type { Tool } from '../../src/catalog/tool.ts';
import type { FieldFault } from '../../src/protocol/fault.ts';
import { ROOT } from '../root.ts';

/** The members of a tool in `tools.json` that a client needs. */
export type ToolEntry = {
  readonly id: string;
  readonly method: string;
  readonly path: string;
  /** In dollars, e.g. `$0.001`; the maximum for a variable price. */
  readonly price: string;
  readonly settlement: string;
};

/** Path of the tools that the gateway sells by default. */
export const TOOLS_FILE = join(ROOT, 'tools.json');

/**
 * Reads a file of tools and validates it as the gateway does.
 *
 * @returns the tools that are not disabled.
 * @throws Error that names each invalid field.
 */
export const readTools = async (file: string): Promise<readonly ToolEntry[]> => {
  const text = await readFile(file, 'utf8');
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new Error(`${file} is not JSON: ${(error as Error).message}`);
  }
  const parsed = parseTools(json, 'local_stack');
  const faults = parsed.ok ? parsed.value.flatMap(faultsOfMeter) : parsed.error;
  if (faults.length > 0) {
    const lines = faults.map(({ field, reason }) => `  ${field}: ${reason}`);
    throw new Error(`${file} is not valid:\n${lines.join('\n')}`);
  }
  const { tools } = json as { tools: (Omit<ToolEntry, 'price'> & Written)[] };
  return tools
    .filter(({ disabled }) => disabled !== true)
    .map((tool) => ({ ...tool, price: priceOf(tool.price) }));
};

const faultsOfMeter = (tool: Tool): readonly FieldFault[] => {
  const read = readMeter(tool);
  return read.ok ? [] : read.error.map((each) => ({ ...each, field: `${tool.id}.${each.field}` }));
};

type Priced = string | { readonly max: string };
type Written = { readonly price: Priced; readonly disabled?: boolean };

const priceOf = (price: Priced): string => (typeof price === 'string' ? price : price.max);
