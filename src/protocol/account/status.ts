/** Whether an account takes calls. `paused` may be resumed any time, `frozen` by whoever froze it, `revoked` never. */
export type Status = 'active' | 'paused' | 'frozen' | 'revoked';
