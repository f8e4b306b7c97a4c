import * as z from 'zod/mini';
import { shortText } from '../../core/plain-text.ts';
import type { Remote } from './names.ts';
import { messageOf } from './texts.ts';

/** The limits of the agent at a gateway; undefined if the server has no tool that returns them, or does not answer. */
export const standingAt = async ({
  client,
}: Remote): Promise<Record<string, unknown> | undefined> => {
  const { structuredContent, isError } = await client
    .callTool({ name: 'spending', arguments: {} })
    .catch((cause: unknown) => ({ structuredContent: { error: messageOf(cause) }, isError: true }));
  return isError === true ? undefined : (structuredContent as Record<string, unknown> | undefined);
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
