import { openTrace } from '../../src/tracing/trace.ts';

/** Records a command of a traced invocation: its decision, and the commit of its group. */
export type DecisionSpans = {
  /** The command is decided, in a group of `count`, which is stored next or needs no commit. */
  readonly decided: (group: { readonly count: number; readonly isStored: boolean }) => void;
  /** The group is durable, has failed, or needed no commit. */
  readonly ended: () => void;
};

/**
 * Opens the spans of a command; undefined if its invocation is not traced. The group never waits for them, and they follow their own
 * invocation, although one runner commits the commands of several.
 */
export const openDecisionSpans = (): DecisionSpans | undefined => {
  const opening = openTrace();
  if (opening === undefined) return undefined;
  const decided = Promise.withResolvers<Parameters<DecisionSpans['decided']>[0]>();
  const ended = Promise.withResolvers<void>();
  void opening.then(async (trace) => {
    if (trace === undefined) return;
    const { isStored } = await trace.inSpan('decide', async (span) => {
      const group = await decided.promise;
      span.set({ 'countersign.count': group.count });
      return group;
    });
    if (isStored) await trace.inSpan('commit', async () => ended.promise);
  });
  return { decided: decided.resolve, ended: ended.resolve };
};
