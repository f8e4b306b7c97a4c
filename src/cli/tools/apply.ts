import { parseTools } from '../../catalog/schema.ts';
import type { ToolDocument } from '../../management/tool.route.ts';
import type { Input } from '../lib/command.ts';
import { Ended } from '../lib/ended.ts';
import { cancelled, type CliError, usageError } from '../lib/errors.ts';
import { EXIT } from '../lib/exit-code.ts';
import { jsonFile } from '../lib/input-file.ts';
import { type AdminClient, openAdmin } from '../lib/admin-client.ts';
import { isRefusal } from '../lib/refusal.ts';
import { roomOf } from '../lib/print.ts';
import type { Output } from '../lib/output.ts';
import type { Session } from '../lib/session.ts';
import { counted, printable, wrapped } from '../lib/text.ts';
import { priceText, reachOf, readCatalogue } from '../lib/catalogue.ts';
import { dropTool, writeTool } from './one.ts';
import { planOf, type Step } from './plan.ts';

const FILE = 'tools.json';

/** `apply`: makes the catalogue that of a file, after it has shown what that means. */
export const applyTools = async (session: Session, input: Input): Promise<void> => {
  const { out, prompts } = session;
  const path = input.arguments[0] ?? FILE;
  const json = await jsonFile(session, path);
  const wanted = wantedTools(json, path, await session.profile.gateway());
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
  const failed: { readonly id: string; readonly why: string; readonly code: string }[] = [];
  await session.progress.during('applying', async () => {
    for (const step of steps) {
      const why = await take(admin, step);
      if (why === undefined) applied.push(step.id);
      else failed.push({ id: step.id, why: why.message, code: why.code });
    }
  });
  out.result({ applied, planned: steps, raced: failed }, () =>
    [
      ...(applied.length === 0
        ? []
        : [`${out.style.good('done')}  ${counted(applied.length, 'tool')}, live within 5 s`]),
      ...failed.map(({ id, why, code }) =>
        wrapped(
          `${out.style.bad(code === 'precondition_failed' ? 'raced' : 'failed')}  ${id}: ${printable(why)}`,
          roomOf(out),
          '       ',
        ),
      ),
      ...(failed.length === 0
        ? []
        : [`${out.style.accent('next')}   Run it again: it shows what is left.`]),
    ].join('\n'),
  );
  if (failed.length > 0) throw new Ended(EXIT.failed);
};

const wantedTools = (json: unknown, path: string, gateway: string): readonly ToolDocument[] => {
  const parsed = parseTools(json, reachOf(gateway));
  if (parsed.ok) return (json as { readonly tools: readonly ToolDocument[] }).tools;
  const faults = parsed.error.map(
    ({ field, reason }) => `${field === '' ? 'it' : field} ${reason}`,
  );
  throw usageError(
    `${path} cannot be applied: ${faults.slice(0, 4).join('; ')}.`,
    'Correct the file. docs/tools.md lists the fields of a tool.',
  );
};

/** One step, against what was seen; what somebody else has changed since stays theirs. */
const take = async (admin: AdminClient, step: Step): Promise<CliError | undefined> => {
  try {
    if (step.kind === 'remove') await dropTool(admin, step.id, step.etag);
    else await writeTool(admin, step.tool, step.kind === 'add' ? undefined : step.etag);
    return undefined;
  } catch (thrown) {
    const isOwn = [
      'precondition_failed',
      'precondition_required',
      'malformed_document',
      'unknown_tool',
      'unknown_document',
    ].some((code) => isRefusal(thrown, code));
    if (isOwn) return thrown as CliError;
    throw thrown;
  }
};

const planText = (out: Output, steps: readonly Step[], wanted: number): string => {
  const { style } = out;
  if (steps.length === 0)
    return wrapped(
      `${style.dim('same')}  all ${counted(wanted, 'tool')} are as in the file`,
      roomOf(out),
      '      ',
    );
  return steps
    .map((step) => {
      if (step.kind === 'remove') return `${style.bad('-')} ${step.id}`;
      if (step.kind === 'add')
        return wrapped(
          `${style.good('+')} ${step.id}  ${priceText(step.tool)}, ${step.tool.method} ${step.tool.path}`,
          roomOf(out),
          '  ',
        );
      const fields = step.fields.map(
        ({ name, before, after }) =>
          `    ${wrapped(`${name}  ${short(before)} → ${short(after)}`, roomOf(out), '      ')}`,
      );
      return [`${style.warn('~')} ${step.id}`, ...fields].join('\n');
    })
    .join('\n');
};

const short = (value: unknown): string => {
  if (value === undefined) return 'nothing';
  return printable(typeof value === 'string' ? value : JSON.stringify(value)).slice(0, 160);
};
