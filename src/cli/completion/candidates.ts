import * as z from 'zod/mini';
import { join } from 'node:path';
import { TOOLS_FILE } from '../lib/config-files.ts';
import { agentNames, agentsDirectory } from '../lib/agent-file.ts';
import { readText } from '../lib/atomic-file.ts';
import { httpGet } from '../lib/http-get.ts';
import { localNames } from '../lib/local-stack.ts';
import { homeOf, type Session } from '../lib/session.ts';

/** Names that the shell may offer. A shell expands what it gets, so every name here is plain (CWE-78). */
export type Candidates = {
  /** Keys, agents of fleets as `fleet/agent`, agents at signers, and identities of a running local stack. It decrypts no key. */
  readonly keys: () => Promise<readonly string[]>;
  readonly fleets: () => Promise<readonly string[]>;
  /** Ids of tools: of the gateway, which has a second to answer, else of tools.json here. */
  readonly tools: () => Promise<readonly string[]>;
};

const PLAIN = /^[a-z0-9][a-z0-9_-]{0,31}(?:\/[a-z0-9][a-z0-9_-]{0,31})?$/;
const TOOL = /^[a-z0-9][a-z0-9._-]{0,63}$/;
const TIMEOUT_MS = 1_000;
const MAX_NAMES = 500;

const toolsSchema = z.looseObject({
  tools: z.array(z.looseObject({ id: z.string() })).check(z.maxLength(10_000)),
});

export const candidatesOf = (session: Session): Candidates => {
  const { keystore, profile, directory, env } = session;
  const plain = (names: readonly string[], form = PLAIN): readonly string[] =>
    [...new Set(names)].filter((name) => form.test(name)).slice(0, MAX_NAMES);
  const toolsIn = (json: unknown): readonly string[] => {
    const parsed = toolsSchema.safeParse(json);
    return parsed.success
      ? plain(
          parsed.data.tools.map(({ id }) => id),
          TOOL,
        )
      : [];
  };
  return {
    keys: async () => {
      const stack = await profile.stack();
      const entries = await keystore.entries();
      return plain([
        ...entries.flatMap((entry) =>
          entry.kind === 'key'
            ? [entry.name]
            : entry.agents.map(({ name }) => `${entry.name}/${name}`),
        ),
        ...(await agentNames(agentsDirectory(homeOf(env)))),
        ...(stack === undefined ? [] : localNames(stack).values()),
      ]);
    },
    fleets: async () =>
      plain(
        (await keystore.entries()).flatMap(({ kind, name }) => (kind === 'fleet' ? [name] : [])),
      ),
    tools: async () => {
      const gateway = await profile.gatewayIfAny();
      if (gateway !== undefined) {
        const answer = await httpGet(`${gateway}/`, AbortSignal.timeout(TIMEOUT_MS));
        if (answer.ok) return toolsIn(answer.value.json);
      }
      return toolsIn(JSON.parse((await readText(join(directory, TOOLS_FILE))) ?? '{}'));
    },
  };
};
