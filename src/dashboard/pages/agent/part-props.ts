import type { Standing } from '../../data/accounts/standing.ts';
import type { Scope } from '../../data/session/scope.ts';

/** The properties of each part of the page of one account. */
export type PartProps = {
  readonly account: string;
  readonly scope: Scope;
  readonly standing: Standing;
  /** Called after a change, to read the standing again. */
  readonly onDone: () => void;
  /** Opens the dialog that buys credit for the account. */
  readonly onBuy: () => void;
};
