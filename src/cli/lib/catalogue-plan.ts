import type { Step } from '../../tool-import/plan.ts';
import type { AdminClient } from './admin-client.ts';
import { deleteTool, priceText, writeTool } from './catalogue.ts';
import { type CliError, isRefusal } from './errors.ts';
import type { Output } from './output.ts';
import { proseWidth } from './print.ts';
import { counted, printable, wrapped } from './text.ts';

const STEP_ERRORS = [
  'precondition_failed',
  'precondition_required',
  'malformed_document',
  'unknown_tool',
  'unknown_document',
];

/** Applies one step. Returns an error that concerns this tool alone; throws every other error. */
export const applyStep = async (admin: AdminClient, step: Step): Promise<CliError | undefined> => {
  try {
    if (step.kind === 'remove') await deleteTool(admin, step.id, step.etag);
    else await writeTool(admin, step.tool, step.kind === 'add' ? undefined : step.etag);
    return undefined;
  } catch (thrown) {
    if (STEP_ERRORS.some((code) => isRefusal(thrown, code))) return thrown as CliError;
    throw thrown;
  }
};

export const planText = (out: Output, steps: readonly Step[], wanted: number): string => {
  const { style } = out;
  const width = proseWidth(out);
  if (steps.length === 0)
    return wrapped(
      `${style.dim('same')}  the catalogue equals the file (${counted(wanted, 'tool')})`,
      width,
      '      ',
    );
  return steps
    .map((step) => {
      if (step.kind === 'remove') return `${style.bad('-')} ${step.id}`;
      if (step.kind === 'add') {
        const { method, path } = step.tool;
        const text = `${style.good('+')} ${step.id}  ${priceText(step.tool)}, ${method} ${path}`;
        return wrapped(text, width, '  ');
      }
      const fields = step.fields.map(
        ({ name, before, after }) =>
          `    ${wrapped(`${name}  ${valueText(before)} → ${valueText(after)}`, width, '      ')}`,
      );
      return [`${style.warn('~')} ${step.id}`, ...fields].join('\n');
    })
    .join('\n');
};

const valueText = (value: unknown): string => {
  if (value === undefined) return 'nothing';
  return printable(typeof value === 'string' ? value : JSON.stringify(value)).slice(0, 160);
};

export type Failure = { readonly id: string; readonly why: string; readonly code: string };

export const outcomeText = (
  out: Output,
  applied: readonly string[],
  failed: readonly Failure[],
): string =>
  [
    ...(applied.length === 0
      ? []
      : [`${out.style.good('done')}  ${counted(applied.length, 'tool')}, live within 5 s`]),
    ...failed.map(({ id, why, code }) =>
      wrapped(
        `${out.style.bad(code === 'precondition_failed' ? 'raced' : 'failed')}  ${id}: ${printable(why)}`,
        proseWidth(out),
        '       ',
      ),
    ),
    ...(failed.length === 0
      ? []
      : [`${out.style.accent('next')}   Run the command again to see the remaining changes.`]),
  ].join('\n');
