import { describe, expect, it } from 'vitest';
import { CountersignError } from '../../../../../src/client/errors.ts';
import {
  actProblem,
  IncompleteForm,
} from '../../../../../src/dashboard/data/changes/act-problem.ts';

describe('a change that failed', () => {
  it('does not blame the connection for a field that is missing or wrong', async () => {
    expect(await actProblem(new IncompleteForm(), 'Base Sepolia')).toBe(
      'Correct the marked fields, then try again.',
    );
  });

  it('did not reach the gateway if the wallet declined', async () => {
    const unsigned = new CountersignError('signer_failed', 'The account did not sign.', {
      cause: { code: 4001 },
    });
    expect(await actProblem(unsigned, 'Base Sepolia')).toBe(
      'You declined in the wallet. The gateway did not receive this change. To go on, try again and confirm in the wallet.',
    );
  });

  it('may have happened if only the answer was lost', async () => {
    const lost = new CountersignError('command_lost', 'The gateway did not answer the command.', {
      cause: new TypeError('network'),
    });
    expect(await actProblem(lost, 'Base Sepolia')).toContain('may have made the change');
    expect(await actProblem(lost, 'Base Sepolia')).not.toContain('wallet');
  });
});
