import { err, ok, type Result } from '../core/result.ts';
import type { AccountId } from '../protocol/account-id.ts';
import type { AccountCommand } from '../protocol/account/command.ts';
import type { Evidence } from '../protocol/account/call.ts';
import type { ScreeningEvidence, ScreeningVerdict } from '../protocol/account/screening.ts';
import type { Reason } from '../protocol/problem/reason.ts';
import type { Gateway } from './gateway.ts';

/**
 * Screens the accounts of a call that its account has no verdict about: the payer itself, and the owner whose credit would pay. A listed
 * owner also learns its verdict, so that its credit is frozen for all its agents and for itself.
 *
 * @param caller the account of the call.
 */
export const screenAccounts = async (
  gateway: Pick<Gateway, 'screening' | 'account' | 'waitUntil'>,
  caller: AccountId,
  accounts: readonly AccountId[],
  evidence: Evidence,
): Promise<Result<ScreeningEvidence, Reason>> => {
  const { screening } = gateway;
  const known = evidence.screening?.verdicts ?? [];
  // An account that asks again about an account contradicts itself.
  const isRepeated = accounts.some((each) => known.some(({ account }) => account === each));
  if (screening === undefined || isRepeated) return err({ reason: 'storage_unavailable' });
  const { settings } = screening;
  let verdicts: readonly ScreeningVerdict[];
  try {
    verdicts = await Promise.all(accounts.map(screening.screen));
  } catch (cause) {
    console.error({ event: 'screening_failed', cause: String(cause) });
    return err({
      reason: 'misconfigured',
      faults: [{ name: 'SCREENING', reason: 'must be a screening setting (docs/screening.md)' }],
    });
  }
  for (const verdict of verdicts) {
    if (verdict.verdict !== 'listed' || verdict.account === caller) continue;
    const command = { kind: 'screened', verdict, settings } as const;
    gateway.waitUntil(freeze(gateway, command));
  }
  return ok({ settings, verdicts: [...known, ...verdicts] });
};

type Frozen = Extract<AccountCommand, { readonly kind: 'screened' }>;

/** If it fails, the owner's own next call, or that of another agent, screens it again. */
const freeze = async (gateway: Pick<Gateway, 'account'>, command: Frozen): Promise<void> => {
  const { account } = command.verdict;
  try {
    await gateway.account(account).apply(command);
  } catch (cause) {
    console.error({ event: 'freeze_failed', account, cause: String(cause) });
  }
};
