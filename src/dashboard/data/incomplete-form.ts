/** Stops a change before the wallet is asked. The form marks what is missing or wrong beside its fields. */
export class IncompleteForm extends Error {
  override readonly message = 'Correct the marked fields, then try again.';
}
