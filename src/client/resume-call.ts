import type { AgentResponse } from './call-report.ts';
import { waitForPerson } from './approval.ts';
import type { ResumeOptions } from './pending-approval.ts';
import type { AgentContext } from './context.ts';
import { CountersignError } from './errors.ts';
import type { Outgoing } from './outgoing.ts';
import { completeCall } from './present.ts';
import type { Proof } from './proof.ts';
import type { Completion } from './signed-result.ts';
import { readSavedCall, type SavedCall } from './saved-call.ts';

/**
 * Continues a call that another process signed: waits until a person decides, then sends the same request with its retry key. An amount
 * that another agent signed counts toward the total of this one from now on.
 *
 * @throws CountersignError `options_invalid`, `over_total`, and the errors of `PendingApproval.resume`
 */
export const resumeCall = async (
  context: AgentContext,
  saved: SavedCall,
  { signal, pause }: ResumeOptions,
): Promise<AgentResponse> => {
  const { over, request, proof } = await readSavedCall(saved);
  const budget = proof.pays === 'card' ? context.card?.budget : context.budget;
  if (context.memory.networkOf(proof.call) === undefined) {
    if (budget?.takePayment(proof.amount).ok !== true) {
      throw new CountersignError('over_total', `The total does not cover the call ${proof.call}.`, {
        call: proof.call,
      });
    }
    context.memory.keepCall(proof.call, proof.network);
  }
  const within = budget === undefined ? context : { ...context, budget };
  const outgoing = signal === undefined ? request : { ...request, signal };
  if (over === 'http') return await continued(within, outgoing, proof, pause);
  const [{ toolCallOf }, { carried }] = await Promise.all([
    import('./mcp/tool-call.ts'),
    import('./mcp/paying-fetch.ts'),
  ]);
  const toolCall = await toolCallOf(outgoing);
  if (toolCall === undefined) {
    throw new CountersignError('options_invalid', 'The saved call holds no tools/call.');
  }
  return await carried(within, toolCall, async (carrier) =>
    continued(carrier, toolCall.outgoing, proof, pause),
  );
};

const continued = async (
  context: AgentContext,
  outgoing: Outgoing,
  proof: Proof,
  pause: ResumeOptions['pause'],
): Promise<AgentResponse> => {
  const complete: Completion['complete'] = async (result) =>
    await completeCall(context, outgoing, proof, result);
  const { response } = await waitForPerson(context, outgoing, proof, { complete }, pause);
  return response;
};
