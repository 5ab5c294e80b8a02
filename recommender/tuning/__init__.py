"""From judged texts to training sets, and from training sets to LoRA adapters for the actor and the reflector.

Pure but for `lora`, which loads torch, and `writing`, which writes files.
"""
