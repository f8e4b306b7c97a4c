import type { Answers } from '../init/answers.ts';
import { checkAnswers } from '../init/steps.ts';
import { type Check, hostOf, warning } from '../lib/checks.ts';
import { httpGet } from '../lib/http-get.ts';
import type { Input } from '../lib/input.ts';
import type { Session } from '../lib/session.ts';

/**
 * Checks the answers as `init` does. A node that cannot be reached is a warning: a person without a network can create a project and run it
 * on one machine. A wrong chain or token stays wrong.
 *
 * @throws CliError if a check fails
 */
export const checkProject = async (
  session: Session,
  input: Input,
  answers: Answers,
): Promise<readonly Check[]> => {
  const { network, rpc, kept } = answers;
  if (input.flag('skipChecks') || kept.has('RPC_URLS'))
    return await checkAnswers(session, input, answers);
  const node = await httpGet(rpc, session.signal);
  if (node.ok) return await checkAnswers(session, input, answers);
  return [
    warning(`RPC ${network.name}`, `${hostOf(rpc)}: ${node.error}`, UNCHECKED),
    ...(await checkAnswers(session, input, {
      ...answers,
      // Both checks ask the node.
      kept: new Set([...kept, 'RPC_URLS', 'PAY_TO']),
    })),
  ];
};

const UNCHECKED =
  '`npm run dev` needs no network. `countersign doctor` checks it before a deployment.';
