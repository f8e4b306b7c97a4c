import { TOOLS_DEPTH } from '../catalog/input-schema.ts';
import { parseTools } from '../catalog/schema.ts';
import type { ToolDocument } from '../management/tool.route.ts';
import { openAdmin } from './lib/admin-client.ts';
import { reachOf, readCatalogue } from './lib/catalogue.ts';
import { applyStep, type Failure, outcomeText, planText } from './lib/catalogue-plan.ts';
import { planOf } from '../tool-import/plan.ts';
import { contentFaults } from '../tool-import/tool-faults.ts';
import type { Command } from './lib/command.ts';
import { cancelled, Ended, EXIT, usageError } from './lib/errors.ts';
import { jsonFile } from './lib/input.ts';
import { counted } from './lib/text.ts';

export const command: Command = {
  summary: 'replace the catalogue with a file, after a preview, as operator',
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
    const json = await jsonFile(session, path, undefined, TOOLS_DEPTH);
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
  const wrong = parsed.ok
    ? parsed.value.flatMap((tool, at) =>
        contentFaults(tool).map(({ field, reason }) => ({
          field: `tools[${at}].${field}`,
          reason,
        })),
      )
    : parsed.error;
  if (wrong.length === 0) return (json as { readonly tools: readonly ToolDocument[] }).tools;
  const faults = wrong.map(({ field, reason }) => `${field === '' ? 'it' : field} ${reason}`);
  throw usageError(
    `${path} is not a valid list of tools: ${faults.slice(0, 4).join('; ')}.`,
    'Correct the file. docs/tools.md lists the fields of a tool.',
  );
};
