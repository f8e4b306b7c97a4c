import { parseTools } from '../catalog/schema.ts';
import type { ToolDocument } from '../management/tool.route.ts';
import { type AdminClient, openAdmin } from './lib/admin-client.ts';
import type { Command } from './lib/command.ts';
import { cancelled, type CliError, Ended, EXIT, isRefusal, usageError } from './lib/errors.ts';
import { jsonFile } from './lib/input.ts';
import type { Output } from './lib/output.ts';
import { proseWidth } from './lib/print.ts';
import { counted, printable, wrapped } from './lib/text.ts';
import {
  type CatalogueTool,
  deleteTool,
  etagOf,
  priceText,
  reachOf,
  readCatalogue,
  writeTool,
} from './tools.ts';

export const command: Command = {
  summary: 'replace the catalogue of a gateway with a file, after a preview, as operator',
  arguments: [{ syntax: '[file]', summary: 'list of tools as JSON (default: tools.json)' }],
  options: [
    { flags: '-y, --yes', summary: 'apply without asking' },
    { flags: '--keep', summary: 'keep tools that the file lacks' },
    { flags: '--dry-run', summary: 'print the changes; apply none' },
  ],
  shared: ['gateway', 'signer'],
  examples: [
    'countersign apply',
    'countersign apply tools.json --yes --gateway https://gateway.example --as ops',
  ],
  run: async (session, input) => {
    const { out, prompts } = session;
    const path = input.arguments[0] ?? 'tools.json';
    const json = await jsonFile(session, path);
    const wanted = toolsIn(json, path, await session.profile.gateway());
    const admin = await openAdmin(session, 'operator');
    const steps = planOf(await readCatalogue(admin), wanted, input.flag('keep'));
    if (!out.json) out.item({}, () => planText(out, steps, wanted.length));
    if (input.flag('dryRun') || steps.length === 0) {
      if (out.json) out.result({ applied: [], planned: steps, raced: [] }, () => '');
      return;
    }
    if (!input.flag('yes')) {
      const question = { message: `Apply ${counted(steps.length, 'change')}?`, instead: '--yes' };
      if (!(await prompts.confirm(question))) throw cancelled();
    }
    const applied: string[] = [];
    const failed: Failure[] = [];
    await session.progress.during('applying', async () => {
      for (const step of steps) {
        const error = await applyStep(admin, step);
        if (error === undefined) applied.push(step.id);
        else failed.push({ id: step.id, why: error.message, code: error.code });
      }
    });
    out.result({ applied, planned: steps, raced: failed }, () => outcomeText(out, applied, failed));
    if (failed.length > 0) throw new Ended(EXIT.failed);
  },
};

const toolsIn = (json: unknown, path: string, gateway: string): readonly ToolDocument[] => {
  const parsed = parseTools(json, reachOf(gateway));
  if (parsed.ok) return (json as { readonly tools: readonly ToolDocument[] }).tools;
  const faults = parsed.error.map(
    ({ field, reason }) => `${field === '' ? 'it' : field} ${reason}`,
  );
  throw usageError(
    `${path} is not a valid list of tools: ${faults.slice(0, 4).join('; ')}.`,
    'Correct the file. docs/tools.md lists the fields of a tool.',
  );
};

/** One change of the catalogue, with the ETag of the version that it replaces. */
export type Step =
  | { readonly kind: 'remove'; readonly id: string; readonly etag: string }
  | {
      readonly kind: 'change';
      readonly id: string;
      readonly etag: string;
      readonly tool: ToolDocument;
      readonly fields: readonly FieldChange[];
    }
  | { readonly kind: 'add'; readonly id: string; readonly tool: ToolDocument };

type FieldChange = {
  readonly name: string;
  readonly before: unknown;
  readonly after: unknown;
};

/** Removals come first: an added tool may take the path of a removed one. */
export const planOf = (
  present: readonly CatalogueTool[],
  wanted: readonly ToolDocument[],
  keep: boolean,
): readonly Step[] => {
  const known = new Map(present.map((item) => [item.id, item]));
  const names = new Set(wanted.map(({ id }) => id));
  const removed = keep ? [] : present.filter(({ id }) => !names.has(id));
  return [
    ...removed.map(({ id, etag }): Step => ({ kind: 'remove', id, etag })),
    ...wanted.flatMap((tool): readonly Step[] => {
      const item = known.get(tool.id);
      if (item === undefined || item.etag === etagOf(tool)) return [];
      const fields = changedFields(item.tool, tool);
      return [{ kind: 'change', id: tool.id, etag: item.etag, tool, fields }];
    }),
    ...wanted.flatMap((tool): readonly Step[] =>
      known.has(tool.id) ? [] : [{ kind: 'add', id: tool.id, tool }],
    ),
  ];
};

const changedFields = (before: ToolDocument, after: ToolDocument): readonly FieldChange[] => {
  const [old, now] = [before, after].map((tool) => new Map(Object.entries(tool)));
  return [...new Set([...Object.keys(before), ...Object.keys(after)])]
    .map((name) => ({ name, before: old?.get(name), after: now?.get(name) }))
    .filter((field) => etagOf(field.before ?? null) !== etagOf(field.after ?? null));
};

const STEP_ERRORS = [
  'precondition_failed',
  'precondition_required',
  'malformed_document',
  'unknown_tool',
  'unknown_document',
];

/** Applies one step. Returns an error that concerns this tool alone; throws every other error. */
const applyStep = async (admin: AdminClient, step: Step): Promise<CliError | undefined> => {
  try {
    if (step.kind === 'remove') await deleteTool(admin, step.id, step.etag);
    else await writeTool(admin, step.tool, step.kind === 'add' ? undefined : step.etag);
    return undefined;
  } catch (thrown) {
    if (STEP_ERRORS.some((code) => isRefusal(thrown, code))) return thrown as CliError;
    throw thrown;
  }
};

const planText = (out: Output, steps: readonly Step[], wanted: number): string => {
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

type Failure = { readonly id: string; readonly why: string; readonly code: string };

const outcomeText = (out: Output, applied: readonly string[], failed: readonly Failure[]): string =>
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
