import { TOOLS_DEPTH } from '../../catalog/input-schema.ts';
import { parseTools } from '../../catalog/schema.ts';
import { toolHash } from '../../catalog/stored-tool.ts';
import type { ToolDocument } from '../../management/tool.route.ts';
import type { EgressReach } from '../../protocol/egress-url.ts';
import type { Json } from '../../protocol/entry.ts';
import { openAdmin } from '../lib/admin-client.ts';
import { readText, writeFiles } from '../lib/atomic-file.ts';
import { readCatalogue } from '../lib/catalogue.ts';
import { applyStep, type Failure } from '../lib/catalogue-plan.ts';
import type { PresentTool, Step } from '../../tool-import/plan.ts';
import { usageError } from '../lib/errors.ts';
import { type Input, jsonFile } from '../lib/input.ts';
import { isLoopback } from '../lib/local-stack.ts';
import type { Session } from '../lib/session.ts';

type Outcome = { readonly applied: readonly string[]; readonly failed: readonly Failure[] };
export const NOTHING: Outcome = { applied: [], failed: [] };

/** The destination of the tools: a gateway, or a file. */
export type Target = {
  /** Undefined for a file. */
  readonly gateway: string | undefined;
  readonly present: readonly PresentTool[];
  readonly apply: (steps: readonly Step[]) => Promise<Outcome>;
};

export const openTarget = async (session: Session, input: Input): Promise<Target> => {
  const path = input.text('file');
  if (path !== undefined) return await openFile(session, path);
  const admin = await openAdmin(session, 'operator');
  return {
    gateway: await session.profile.gateway(),
    present: await readCatalogue(admin),
    apply: async (steps) => {
      const applied: string[] = [];
      const failed: Failure[] = [];
      await session.progress.during('applying', async () => {
        for (const step of steps) {
          const error = await applyStep(admin, step);
          if (error === undefined) applied.push(step.id);
          else failed.push({ id: step.id, why: error.message, code: error.code });
        }
      });
      return { applied, failed };
    },
  };
};

const openFile = async (session: Session, path: string): Promise<Target> => {
  const exists = (await readText(path)) !== undefined;
  const json = exists ? await jsonFile(session, path, undefined, TOOLS_DEPTH) : { tools: [] };
  const parsed = parseTools(json, 'local_stack');
  if (exists && !parsed.ok) {
    const [fault] = parsed.error;
    throw usageError(
      `${path} is not a valid list of tools: ${fault?.field ?? ''} ${fault?.reason ?? ''}.`,
      'Correct the file. docs/tools.md lists the fields of a tool.',
    );
  }
  const { tools } = json as { readonly tools: readonly ToolDocument[] };
  return {
    gateway: undefined,
    present: tools.map((tool) => ({
      id: tool.id,
      etag: toolHash(tool as unknown as Json),
      tool,
    })),
    apply: async (steps) => {
      const changed = new Map(
        steps.flatMap((step) => (step.kind === 'remove' ? [] : [[step.id, step.tool] as const])),
      );
      const known = new Set(tools.map(({ id }) => id));
      const all = [
        ...tools.map((tool) => changed.get(tool.id) ?? tool),
        ...[...changed.values()].filter(({ id }) => !known.has(id)),
      ];
      const text = `${JSON.stringify({ tools: all }, undefined, 2)}\n`;
      await writeFiles([{ path, text }], undefined);
      return { applied: steps.map(({ id }) => id), failed: [] };
    },
  };
};

/** The hosts that tools of a file may call: those of this machine for a URL of this machine. */
export const fileReach = (url: string | undefined): EgressReach =>
  url !== undefined && isLoopback(url) ? 'local_stack' : 'public';
