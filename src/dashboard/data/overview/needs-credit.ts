import { type OwnAccount, lacksCredit } from '../accounts/own-account.ts';
import { type Figures, rowsOf } from './figures.ts';

/** Whether an owner has to buy credit: it has none, and nothing pays for the calls of its agents, or some were denied for lack of credit. */
export const needsCredit = (
  { days, rules }: Pick<Figures, 'days' | 'rules'>,
  own: OwnAccount,
): boolean =>
  lacksCredit(own) &&
  (rowsOf(days).every(({ charged }) => charged === '0') ||
    rowsOf(rules).some(({ key }) => key === 'credit'));
