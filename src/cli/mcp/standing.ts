import * as z from 'zod/mini';
import { shortText } from '../../core/plain-text.ts';
import { readSpending } from '../../client/mcp/connect.ts';
import type { Remote } from './names.ts';

/**
 * The limits of the agent at a gateway, which cost nothing; undefined if the agent does not read from this server, or the server does not
 * answer.
 */
export const standingAt = async ({
  client,
}: Remote): Promise<Record<string, unknown> | undefined> => {
  const result = await readSpending(client).catch(() => undefined);
  return result?.isError === true
    ? undefined
    : (result?.structuredContent as Record<string, unknown> | undefined);
};

const stoppedSchema = z.object({
  stopped: z.object({ rule: z.string(), account: z.string(), retry_after: z.optional(z.number()) }),
});

/** The reason why a gateway denies every call of the agent now, e.g. after a revocation; undefined if it does not. */
export const stoppedText = async (remote: Remote): Promise<string | undefined> => {
  const parsed = stoppedSchema.safeParse(await standingAt(remote));
  if (!parsed.success) return undefined;
  const { rule, account, retry_after: after } = parsed.data.stopped;
  const when =
    after === undefined ? 'Repeating does not help' : `It may help to repeat in ${after} s`;
  return `${remote.origin} denies every call of this agent and shows it no tools: rule ${shortText(rule, 64)} of ${shortText(account, 128)}. ${when}; ask the owner of the agent.`;
};
