/** Whether an account accepts calls. `paused` can be resumed, `frozen` only by the account that froze it, `revoked` never. */
export type Status = 'active' | 'paused' | 'frozen' | 'revoked';
