"""Characters to subword ids and back: normalisation, words, sentences, languages, tokenizers."""
