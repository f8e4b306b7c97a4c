import type { AccountState } from '../state.ts';
import type { Funded } from './funding.ts';
import type { Answer, Reservation } from './reservation.ts';

/** The decisions of `screening.ts`, which only a gateway that screens, or has screened, loads. */
export type ScreeningCode = {
  readonly refuseListed: (reservation: Reservation) => Answer | undefined;
  readonly screened: (
    reservation: Reservation,
    counted: AccountState,
    funding: Funded,
    next: (reservation: Reservation, counted: AccountState) => Answer,
  ) => Answer;
};

/** One for all accounts of an isolate: code, and no state. */
let loaded: ScreeningCode | undefined;

export const keepScreeningCode = (code: ScreeningCode): void => {
  loaded = code;
};

/** The code, or `none` if this call needs none; undefined if it must be loaded first. */
export const screeningCode = (
  { screened }: Pick<AccountState, 'screened'>,
  { screening }: Reservation['evidence'],
): ScreeningCode | 'none' | undefined =>
  screening === undefined && screened === undefined ? 'none' : loaded;
