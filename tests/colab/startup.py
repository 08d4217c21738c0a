"""Run by IPython when the kernel starts: Colab has imported google.colab before the first cell."""
import sys
import types

google, colab = types.ModuleType("google"), types.ModuleType("google.colab")
google.__path__, google.colab = [], colab
sys.modules.update({"google": google, "google.colab": colab})
