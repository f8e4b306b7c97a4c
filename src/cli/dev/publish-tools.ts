import type { Tool } from '../../catalog/tool.ts';
import type { FieldFault } from '../../protocol/fault.ts';
import { TOOLS_FILE } from '../lib/config-files.ts';
import { CliError } from '../lib/errors.ts';
import { proseWidth } from '../lib/print.ts';
import type { Session } from '../lib/session.ts';
import { counted, printable, wrapped } from '../lib/text.ts';
import { readTools } from './catalogue.ts';
import type { RunningStack } from './local-stack.ts';

/** Faults that a person can correct at once. */
const MAX_SHOWN = 10;

const faultText = ({ field, reason }: FieldFault): string =>
  printable(`${field === '' ? TOOLS_FILE : field} ${reason}`);

/** The error of a start without valid tools. */
export const invalidTools = (faults: readonly FieldFault[]): CliError =>
  new CliError(`${TOOLS_FILE} is not valid: ${faults.slice(0, 1).map(faultText).join('')}.`, {
    hint: 'Correct the file and run the command again. docs/tools.md lists the fields of a tool.',
    code: 'invalid_tools',
    details: Object.fromEntries(
      faults
        .slice(1, MAX_SHOWN)
        .map(({ field, reason }) => [field === '' ? TOOLS_FILE : field, reason]),
    ),
  });

/**
 * Sells a changed `tools.json`, or prints its faults and leaves the old tools on sale.
 *
 * @returns the tools that are on sale now; undefined for faults
 */
export const publishTools = async (
  { out }: Session,
  stack: RunningStack,
  text: string | undefined,
  upstream: string,
): Promise<readonly Tool[] | undefined> => {
  const { noteStyle: style } = out;
  const read = readTools(text ?? '', upstream);
  if (!read.ok) {
    const faults = text === undefined ? [{ field: '', reason: 'is missing' }] : read.error;
    if (out.json) out.item({ event: 'tools_invalid', faults }, () => '');
    const lines = faults
      .slice(0, MAX_SHOWN)
      .map((fault) => wrapped(`${style.bad('✗')} ${faultText(fault)}`, proseWidth(out), '  '));
    out.note(
      [...lines, style.dim('The gateway sells the tools of the last valid file.')].join('\n'),
    );
    return undefined;
  }
  const { catalogue, parsed } = read.value;
  const from = performance.now();
  const isLive = await stack.publish(catalogue);
  const count = catalogue.tools.length;
  if (out.json) out.item({ event: 'tools_live', tools: count, isLive }, () => '');
  out.note(
    isLive
      ? `${style.good('✓')} ${counted(count, 'tool')} on sale  ${style.dim(`${Math.round(performance.now() - from)} ms`)}`
      : `${style.warn('!')} The Worker did not reload. Its log has the reason.`,
  );
  return parsed;
};
