/** Stops a change before the dashboard asks the wallet. The form marks each field that is missing or wrong. */
export class IncompleteForm extends Error {
  override readonly message = 'Correct the marked fields, then try again.';
}
