/** Why a value does not have its required form. */
export interface Wrong {
  message: string;
  allowed?: readonly string[];
  suggestion?: string | undefined;
}
