import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseTools } from '../../src/catalog/schema.ts';
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
  if (!parsed.ok) {
    const lines = parsed.error.map(({ field, reason }) => `  ${field}: ${reason}`);
    throw new Error(`${file} is not valid:\n${lines.join('\n')}`);
  }
  const { tools } = json as { tools: (Omit<ToolEntry, 'price'> & Written)[] };
  return tools
    .filter(({ disabled }) => disabled !== true)
    .map((tool) => ({ ...tool, price: priceOf(tool.price) }));
};

type Priced = string | { readonly max: string };
type Written = { readonly price: Priced; readonly disabled?: boolean };

const priceOf = (price: Priced): string => (typeof price === 'string' ? price : price.max);
