// What can go wrong, as exceptions. A shortage never is one: it is a verdict.

/** The base of everything that this package throws. `code` is stable: programs may match on it. */
export class QuotagateError extends Error {
  /** Which kind of error it is. */
  readonly code: string = "quotagate";

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** The launch makes no sense: no instances, an unknown kind of disk, a preemptible type without GPUs. */
export class InvalidLaunch extends QuotagateError {
  override readonly code = "invalid-launch";
}

/** The request or the error text is not what the function takes. */
export class InvalidJson extends QuotagateError {
  override readonly code = "invalid-json";
}

/** A world directory, a file of it, or an inventory as JSON is malformed. */
export class InvalidInventory extends QuotagateError {
  override readonly code = "invalid-inventory";
}

/** A launch names no project, and its region has several. */
export class AmbiguousProject extends QuotagateError {
  override readonly code = "ambiguous-project";
}

/** More was asked in one call than a plugin may be given. */
export class TooLarge extends QuotagateError {
  override readonly code = "too-large";
}

/** The component is no plugin, or one of another version of the contract. */
export class ContractMismatch extends QuotagateError {
  override readonly code = "contract-mismatch";
}

/** The plugin gave no answer, or one that contradicts the contract. The next call gets a fresh instance. */
export class PluginFailed extends QuotagateError {
  override readonly code = "plugin-failed";
}

/** The exception for an error that the plugin answered with. */
export function refusal(code: string, message: string): QuotagateError {
  if (code === "invalid-launch") return new InvalidLaunch(message);
  if (code === "invalid-json") return new InvalidJson(message);
  return new PluginFailed(`the plugin refused with the unknown code ${code}: ${message}`);
}
