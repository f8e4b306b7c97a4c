import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseTools } from '../../src/catalog/schema.ts';
import { ROOT } from '../root.ts';

/** A tool as `tools.json` writes it, as far as a client needs to know. */
export type ToolEntry = {
  readonly id: string;
  readonly method: string;
  readonly path: string;
  /** In dollars, e.g. `$0.001`; the most, for a tool of variable price. */
  readonly price: string;
  readonly settlement: string;
};

/** The tools the gateway sells. */
export const TOOLS_FILE = join(ROOT, 'tools.json');

/**
 * Reads a file of tools and checks it as the gateway does; gives those that are sold. Throws an error that names each bad field, so
 * that nothing is started with it.
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
